/// How tokens are counted and billed.
enum TokenCounting: String, CaseIterable, Sendable {
  /// With the model's encoding where it is public, and else by a factor to a public one that is the model's own.
  case exact
  /// A quarter of the bytes, rounded up: a few lines of any language say the same.
  case bytes
}
