/// A switch of the behaviour that has a few positions, each with a name.
struct BehaviourChoice: Sendable {
  let name: String
  let allowed: [String]
  let get: @Sendable (Behaviour) -> String
  /// Returns whether there is such a position.
  let set: @Sendable (inout Behaviour, String) -> Bool

  init<Value>(_ name: String, _ path: any WritableKeyPath<Behaviour, Value> & Sendable)
  where Value: RawRepresentable<String> & CaseIterable & SendableMetatype {
    self.name = name
    allowed = Value.allCases.map(\.rawValue)
    get = { $0[keyPath: path].rawValue }
    set = { behaviour, text in
      guard let value = Value(rawValue: text) else { return false }
      behaviour[keyPath: path] = value
      return true
    }
  }
}
