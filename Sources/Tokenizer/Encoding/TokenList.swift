/// Keeps the ids in order, in memory that has room for all that a text can be.
struct TokenList: TokenSink {
  private let ids: UnsafeMutablePointer<UInt32>
  private(set) var count = 0

  /// - Parameter ids: room for one token a byte.
  init(_ ids: UnsafeMutablePointer<UInt32>) {
    self.ids = ids
  }

  @inline(__always)
  mutating func add(_ token: UInt32) {
    ids[count] = token
    count &+= 1
  }

  @inline(__always)
  mutating func add(_ tokens: UnsafePointer<UInt32>, _ added: Int) {
    for index in 0..<added { ids[count &+ index] = tokens[index] }
    count &+= added
  }
}
