/// What becomes of the tokens of a text.
protocol TokenSink {
  mutating func add(_ token: UInt32)
  mutating func add(_ tokens: UnsafePointer<UInt32>, _ count: Int)
}
