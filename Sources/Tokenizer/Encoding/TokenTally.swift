/// Only counts.
struct TokenTally: TokenSink {
  private(set) var count = 0

  @inline(__always)
  mutating func add(_ token: UInt32) { count &+= 1 }

  @inline(__always)
  mutating func add(_ tokens: UnsafePointer<UInt32>, _ count: Int) { self.count &+= count }
}
