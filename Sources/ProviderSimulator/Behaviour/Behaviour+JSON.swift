import Wire

extension Behaviour {
  /// Takes over what the object names; `"zero_latency": true` stands for all times together.
  ///
  /// - Throws: `SimulatorError` that names the first member that is unknown or out of range; then nothing is changed.
  mutating func apply(_ object: JSONSlice) throws(SimulatorError) {
    guard object.kind == .object else { throw SimulatorError("the behaviour must be a JSON object") }
    var changed = self
    for member in object.members where member.isNamed("zero_latency") && member.value.bool == true {
      changed.removeLatency()
    }
    for member in object.members where !member.isNamed("zero_latency") {
      try changed.set(member.key, to: member.value.double)
    }
    self = changed
  }

  /// - Parameter value: `nil` stands for something that is no number.
  mutating func set(_ name: String, to value: Double?) throws(SimulatorError) {
    if let rate = Self.rates.first(where: { $0.name == name }) {
      guard let value, (0...1).contains(value) else { throw SimulatorError("\(name) must be a number from 0 to 1") }
      self[keyPath: rate.path] = value
    } else if let number = Self.numbers.first(where: { $0.name == name }) {
      guard let value, let whole = Int(exactly: value), (0...10_000_000_000).contains(whole) else {
        throw SimulatorError("\(name) must be a whole number from 0 to 10000000000")
      }
      self[keyPath: number.path] = whole
    } else {
      let known = (Self.rates.map(\.name) + Self.numbers.map(\.name) + ["zero_latency"]).joined(separator: ", ")
      throw SimulatorError("\(name) is not known; known are \(known)")
    }
  }

  var json: [UInt8] {
    var writer = JSONWriter(capacity: 1024)
    writer.beginObject()
    for rate in Self.rates {
      writer.key(rate.name)
      writer.raw(String(self[keyPath: rate.path]).utf8)
    }
    for number in Self.numbers { writer.field(number.name, self[keyPath: number.path]) }
    writer.endObject()
    return writer.bytes
  }
}
