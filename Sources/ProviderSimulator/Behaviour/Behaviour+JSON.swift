import Wire

extension Behaviour {
  /// Takes over what the object names; `"zero_latency": true` stands for all times together.
  ///
  /// - Parameter ignored: Members that are read elsewhere.
  /// - Throws: `SimulatorError` that names the first member that is unknown or out of range; then nothing is changed.
  mutating func apply(_ object: JSONSlice, ignoring ignored: Set<String> = []) throws(SimulatorError) {
    guard object.kind == .object else { throw SimulatorError("the behaviour must be a JSON object") }
    var changed = self
    for member in object.members where member.isNamed("zero_latency") && member.value.bool == true {
      changed.removeLatency()
    }
    for member in object.members where !member.isNamed("zero_latency") {
      let name = member.key
      if ignored.contains(name) { continue }
      if Self.flags.contains(where: { $0.name == name }) {
        try changed.turn(name, member.value.bool)
      } else if Self.choices.contains(where: { $0.name == name }) {
        try changed.choose(name, member.value.string)
      } else if Self.keyLists.contains(where: { $0.name == name }) {
        let keys = member.value.elements.compactMap(\.string)
        guard member.value.kind == .array, keys.count == member.value.elements.reduce(0, { count, _ in count + 1 })
        else { throw SimulatorError("\(name) must be a list of strings") }
        changed.list(name, keys)
      } else {
        try changed.set(name, to: member.value.double)
      }
    }
    self = changed
  }

  /// - Parameter value: `nil` stands for something that is no number.
  mutating func set(_ name: String, to value: Double?) throws(SimulatorError) {
    if let rate = Self.rates.first(where: { $0.name == name }) {
      guard let value, (0...1).contains(value) else { throw SimulatorError("\(name) must be a number from 0 to 1") }
      self[keyPath: rate.path] = value
    } else if let amount = Self.amounts.first(where: { $0.name == name }) {
      guard let value, (0...1e9).contains(value) else {
        throw SimulatorError("\(name) must be a number from 0 to 1000000000")
      }
      self[keyPath: amount.path] = value
    } else if name == "slow_down_status" {
      guard let value, value == 429 || value == 503 else { throw SimulatorError("\(name) must be 429 or 503") }
      slowDownStatus = Int(value)
    } else if let number = Self.numbers.first(where: { $0.name == name }) {
      guard let value, let whole = Int(exactly: value), (0...10_000_000_000).contains(whole) else {
        throw SimulatorError("\(name) must be a whole number from 0 to 10000000000")
      }
      self[keyPath: number.path] = whole
    } else {
      let known = (Self.names + SimulatorSettings.incidents.sorted() + ["zero_latency"]).joined(separator: ", ")
      throw SimulatorError("\(name) is not known; known are \(known)")
    }
  }

  /// - Parameter isOn: `nil` stands for something that is neither true nor false.
  mutating func turn(_ name: String, _ isOn: Bool?) throws(SimulatorError) {
    guard let flag = Self.flags.first(where: { $0.name == name }), let isOn else {
      throw SimulatorError("\(name) must be true or false")
    }
    self[keyPath: flag.path] = isOn
  }

  /// - Parameter position: `nil` stands for something that is no text.
  mutating func choose(_ name: String, _ position: String?) throws(SimulatorError) {
    guard let choice = Self.choices.first(where: { $0.name == name }) else {
      throw SimulatorError("\(name) is not known")
    }
    guard let position, choice.set(&self, position) else {
      throw SimulatorError("\(name) must be one of \(choice.allowed.joined(separator: ", "))")
    }
  }

  /// - Parameter entries: Keys are kept as their fingerprints; what else there is as it is.
  mutating func list(_ name: String, _ entries: [String]) {
    guard let list = Self.keyLists.first(where: { $0.name == name }) else { return }
    self[keyPath: list.path] = Set(entries.map { $0.hasPrefix("sk-") ? Credentials.fingerprint($0) : $0 })
  }

  var json: [UInt8] {
    var writer = JSONWriter(capacity: 2048)
    writer.beginObject()
    write(into: &writer)
    writer.endObject()
    return writer.bytes
  }

  /// Writes the members of the object.
  func write(into writer: inout JSONWriter) {
    for decimal in Self.rates + Self.amounts {
      writer.key(decimal.name)
      writer.raw(String(self[keyPath: decimal.path]).utf8)
    }
    for number in Self.numbers { writer.field(number.name, self[keyPath: number.path]) }
    for flag in Self.flags {
      writer.key(flag.name)
      writer.bool(self[keyPath: flag.path])
    }
    for choice in Self.choices { writer.field(choice.name, choice.get(self)) }
    for list in Self.keyLists {
      writer.key(list.name)
      writer.beginArray()
      for entry in self[keyPath: list.path].sorted() { writer.string(entry) }
      writer.endArray()
    }
  }
}
