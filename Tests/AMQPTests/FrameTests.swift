import Testing
import Wire

@testable import AMQP

@Suite("Frames", .timeLimit(.minutes(4)))
struct FrameTests {
  private func bytes(of buffer: inout FrameBuffer) -> [UInt8] {
    var out: [UInt8] = []
    while buffer.pending > 0 {
      _ = buffer.drain { (chunk) throws(Never) -> Int in
        out.append(contentsOf: chunk.prefix(3))
        return min(3, chunk.count)
      }
    }
    return out
  }

  @Test func ackFrame() throws {
    var buffer = FrameBuffer()
    try buffer.append(.ack(tag: 0x0102, multiple: true), channel: 1)
    #expect(bytes(of: &buffer) == [1, 0, 1, 0, 0, 0, 13, 0, 60, 0, 80, 0, 0, 0, 0, 0, 0, 1, 2, 1, 0xCE])
    #expect(buffer.pending == 0)
  }

  @Test func whatCannotBeEncodedLeavesNothingBehind() throws {
    var buffer = FrameBuffer()
    buffer.appendHeartbeat()
    #expect(throws: FieldError.self) {
      try buffer.append(
        .publish(exchange: "", routingKey: Array(repeating: 65, count: 256), mandatory: true), channel: 1)
    }
    var properties = MessageProperties()
    properties.headers = FieldTable([.init(key: Array(repeating: 65, count: 256), value: .void)])
    #expect(throws: FieldError.self) {
      try buffer.append(.header, channel: 1) { writer throws(FieldError) in
        try writer.contentHeader(properties, bodySize: 0)
      }
    }
    #expect(bytes(of: &buffer) == [8, 0, 0, 0, 0, 0, 0, 0xCE])
  }

  @Test func nestingIsBounded() throws {
    func nested(_ levels: Int, arrays: Bool) -> FieldTable {
      var value = FieldValue.void
      for _ in 0..<levels { value = arrays ? .array([value]) : .table(["k": value]) }
      return ["k": value]
    }
    for arrays in [true, false] {
      var writer = FieldWriter()
      try writer.table(nested(64, arrays: arrays))
      var other = FieldWriter()
      #expect(throws: FieldError.self) { try other.table(nested(65, arrays: arrays)) }
    }
  }

  @Test func assemblesMessages() throws {
    let start = ContentAssembler.Content(
      origin: .delivery(tag: 1, redelivered: false), exchange: [], routingKey: [1])
    var assembler = ContentAssembler()
    try assembler.methodArrived(start)
    let empty = try assembler.headerArrived(MessageProperties(), headerSize: 14, bodySize: 0)
    #expect(empty?.body == [] && empty?.size == 14)
    #expect(assembler.isIdle)

    try assembler.methodArrived(start)
    #expect(try assembler.headerArrived(MessageProperties(), headerSize: 14, bodySize: 5) == nil)
    #expect(try [UInt8]([1, 2]).withUnsafeBytes { bytes in try assembler.bodyArrived(bytes) } == nil)
    let whole = try [UInt8]([3, 4, 5]).withUnsafeBytes { bytes in try assembler.bodyArrived(bytes) }
    #expect(whole?.body == [1, 2, 3, 4, 5] && whole?.size == 19)
  }

  @Test func refusesFramesOutOfPlace() throws {
    let start = ContentAssembler.Content(
      origin: .delivery(tag: 1, redelivered: false), exchange: [], routingKey: [1])
    var assembler = ContentAssembler()
    #expect(throws: AMQPError.self) { try assembler.headerArrived(MessageProperties(), headerSize: 1, bodySize: 1) }
    #expect(throws: AMQPError.self) { try [1].withUnsafeBytes { try assembler.bodyArrived($0) } }
    try assembler.methodArrived(start)
    #expect(throws: AMQPError.self) { try assembler.methodArrived(start) }
    // A size that only the peer's word stands for sets nothing aside.
    #expect(try assembler.headerArrived(MessageProperties(), headerSize: 1, bodySize: .max) == nil)
    assembler.reset()
    #expect(assembler.isIdle)
    try assembler.methodArrived(start)
    _ = try assembler.headerArrived(MessageProperties(), headerSize: 1, bodySize: 1)
    #expect(throws: AMQPError.self) { try [UInt8]([1, 2]).withUnsafeBytes { try assembler.bodyArrived($0) } }
  }
}
