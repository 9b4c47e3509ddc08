import Wire

extension JSONWriter {
  mutating func field(_ name: String, _ text: String?) {
    key(name)
    if let text { string(text) } else { null() }
  }

  mutating func field(_ name: String, number: (some BinaryInteger)?) {
    key(name)
    if let number { int(number) } else { null() }
  }
}
