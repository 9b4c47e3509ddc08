import Threading

/// Which models have metrics of their own.
///
/// Publishers make up the names of models, where a pattern routes them. The first so many that are seen are told apart, and
/// the others share a name.
final class ModelNames: Sendable {
  static let most = 100
  static let others = "other"
  private let own = Locked(Set<String>())

  /// What metrics call the model.
  func label(_ model: String) -> String {
    own.withLock { own in
      if own.contains(model) { return model }
      guard own.count < Self.most else { return Self.others }
      own.insert(model)
      return model
    }
  }

  /// Whether it has metrics of its own.
  func isOwn(_ model: String) -> Bool { label(model) == model }
}
