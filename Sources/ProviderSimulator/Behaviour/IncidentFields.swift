import Wire

/// Reads the members of an outage or of a refusal by order; says what is wrong with them, and what is not known.
struct IncidentFields {
  private let object: String
  private var members: [String: JSONSlice] = [:]

  init(_ slice: JSONSlice, of object: String) {
    self.object = object
    for member in slice.members where !member.value.isNull { members[member.key] = member.value }
    if slice.kind != .object { members["not an object"] = slice }
  }

  mutating func number(_ name: String) throws(SimulatorError) -> Int? {
    guard let value = members.removeValue(forKey: name) else { return nil }
    guard let number = value.int64, (0...10_000_000_000).contains(number) else {
      throw SimulatorError("\(name) of \(object) must be a whole number from 0 to 10000000000")
    }
    return Int(number)
  }

  mutating func text(_ name: String) throws(SimulatorError) -> String? {
    guard let value = members.removeValue(forKey: name) else { return nil }
    guard let text = value.string else { throw SimulatorError("\(name) of \(object) must be a string") }
    return text
  }

  mutating func choice<Value: RawRepresentable<String> & CaseIterable>(
    _ name: String
  ) throws(SimulatorError) -> Value? {
    guard let value = members.removeValue(forKey: name) else { return nil }
    guard let choice = value.string.flatMap(Value.init(rawValue:)) else {
      let known = Value.allCases.map(\.rawValue).joined(separator: ", ")
      throw SimulatorError("\(name) of \(object) must be one of \(known)")
    }
    return choice
  }

  /// Refuses what was not asked for.
  func finish() throws(SimulatorError) {
    if let name = members.keys.min() { throw SimulatorError("\(object) has no member \(name)") }
  }

  /// The elements of a list of incidents.
  static func list<Element>(
    _ slice: JSONSlice, _ name: String, _ make: (JSONSlice) throws(SimulatorError) -> Element
  ) throws(SimulatorError) -> [Element] {
    guard slice.kind == .array else { throw SimulatorError("\(name) must be a list of objects") }
    var elements: [Element] = []
    for element in slice.elements { elements.append(try make(element)) }
    return elements
  }
}
