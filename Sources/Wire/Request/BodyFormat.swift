/// Whose shape a body has, where it could have either.
enum BodyFormat: String, CaseIterable {
  /// That of the provider that the model's first route leads to.
  case native
  /// OpenAI's, translated where the provider has another.
  case openai
}
