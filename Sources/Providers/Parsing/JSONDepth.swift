/// How deep JSON from a provider may be nested.
enum JSONDepth {
  /// Answers can hold what a model was asked to build.
  static let answers = 512
}
