import Wire

/// Puts one message of a channel together from its method, header and body frames.
///
/// Everything is copied as it arrives, so no pool of the library has to be kept until the last body frame.
struct ContentAssembler {
  enum Origin: Equatable {
    case delivery(tag: UInt64, redelivered: Bool)
    case returned(code: UInt16, text: String)
  }

  struct Content: Equatable {
    var origin: Origin
    var exchange: [UInt8]
    var routingKey: [UInt8]
    var properties = MessageProperties()
    var body: [UInt8] = []
    /// Bytes of the header frame and the body together.
    var size = 0
  }

  private enum State {
    case idle
    case header(Content)
    case body(Content, missing: UInt64)
  }

  /// The size is the peer's word, so no more than this is set aside before bytes arrive.
  private static let largestReserve: UInt64 = 1 << 20

  private var state = State.idle

  var isIdle: Bool { if case .idle = state { true } else { false } }

  mutating func methodArrived(_ content: Content) throws(AMQPError) {
    guard case .idle = state else { throw Self.outOfPlace("a method inside a message") }
    state = .header(content)
  }

  mutating func headerArrived(
    _ properties: MessageProperties, headerSize: Int, bodySize: UInt64
  ) throws(AMQPError) -> Content? {
    guard case .header(var content) = state else { throw Self.outOfPlace("a header without its method") }
    content.properties = properties
    content.size = headerSize
    if bodySize == 0 {
      state = .idle
      return content
    }
    content.body.reserveCapacity(Int(min(bodySize, Self.largestReserve)))
    state = .body(content, missing: bodySize)
    return nil
  }

  mutating func bodyArrived(_ fragment: UnsafeRawBufferPointer) throws(AMQPError) -> Content? {
    guard case .body(var content, let missing) = state else { throw Self.outOfPlace("a body without its header") }
    guard fragment.count <= missing else { throw Self.outOfPlace("more body than its header says") }
    state = .idle  // The copy below must be the only owner of the body.
    unsafe content.body.append(contentsOf: fragment)
    let left = missing - UInt64(fragment.count)
    if left > 0 {
      state = .body(content, missing: left)
      return nil
    }
    content.size += content.body.count
    return content
  }

  /// The channel closed: what was half read is gone.
  mutating func reset() { state = .idle }

  private static func outOfPlace(_ what: String) -> AMQPError {
    AMQPError(.malformed, "the broker sent \(what)")
  }
}
