import Testing
import Wire

@Suite(.timeLimit(.minutes(4)))
struct PropertiesCodecTests {
  private func bytes(_ random: inout SeededGenerator) -> [UInt8] {
    (0..<Int.random(in: 0...12, using: &random)).map { _ in .random(in: 0...255, using: &random) }
  }

  private func value(_ random: inout SeededGenerator, depth: Int) -> FieldValue {
    switch Int.random(in: 0..<(depth > 3 ? 16 : 18), using: &random) {
    case 0: .bool(.random(using: &random))
    case 1: .int8(.random(in: .min ... .max, using: &random))
    case 2: .uint8(.random(in: .min ... .max, using: &random))
    case 3: .int16(.random(in: .min ... .max, using: &random))
    case 4: .uint16(.random(in: .min ... .max, using: &random))
    case 5: .int32(.random(in: .min ... .max, using: &random))
    case 6: .uint32(.random(in: .min ... .max, using: &random))
    case 7: .int64(.random(in: .min ... .max, using: &random))
    case 8: .uint64(.random(in: .min ... .max, using: &random))
    case 9: .float(.random(in: -1e9...1e9, using: &random))
    case 10: .double(.random(in: -1e9...1e9, using: &random))
    case 11: .decimal(scale: .random(in: 0...255, using: &random), value: .random(in: .min ... .max, using: &random))
    case 12: .string(bytes(&random))
    case 13: .bytes(bytes(&random))
    case 14: .timestamp(.random(in: .min ... .max, using: &random))
    case 15: .void
    case 16: .array((0..<Int.random(in: 0...4, using: &random)).map { _ in value(&random, depth: depth + 1) })
    default: .table(table(&random, depth: depth + 1))
    }
  }

  private func table(_ random: inout SeededGenerator, depth: Int) -> FieldTable {
    FieldTable(
      (0..<Int.random(in: 0...5, using: &random)).map { _ in
        FieldTable.Entry(key: bytes(&random), value: value(&random, depth: depth))
      })
  }

  private func properties(_ random: inout SeededGenerator) -> MessageProperties {
    var properties = MessageProperties()
    func maybe() -> [UInt8]? { Bool.random(using: &random) ? bytes(&random) : nil }
    properties.contentType = maybe()
    properties.contentEncoding = maybe()
    properties.headers = Bool.random(using: &random) ? table(&random, depth: 0) : nil
    properties.deliveryMode = Bool.random(using: &random) ? 2 : nil
    properties.priority = Bool.random(using: &random) ? 255 : nil
    properties.correlationID = maybe()
    properties.replyTo = maybe()
    properties.expiration = maybe()
    properties.messageID = maybe()
    properties.timestamp = Bool.random(using: &random) ? .random(in: .min ... .max, using: &random) : nil
    properties.type = maybe()
    properties.userID = maybe()
    properties.appID = maybe()
    properties.clusterID = maybe()
    return properties
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func nothingIsLost(_ seed: UInt64) throws {
    var random = SeededGenerator(seed)
    for _ in 0..<500 {
      let original = properties(&random)
      #expect(try PropertiesCodec.decode(PropertiesCodec.encode(original)) == original)
    }
  }

  @Test func notANumberStaysWhatItIs() throws {
    var original = MessageProperties()
    original.headers = ["nan": .double(.nan), "signalling": .float(Float(bitPattern: 0x7F80_0001))]
    let bytes = PropertiesCodec.encode(original)
    #expect(PropertiesCodec.encode(try PropertiesCodec.decode(bytes)) == bytes)
  }

  @Test(arguments: [1, 2] as [UInt64])
  func damageIsAnError(_ seed: UInt64) {
    var random = SeededGenerator(seed)
    for _ in 0..<200 {
      let bytes = PropertiesCodec.encode(properties(&random))
      for length in 0..<bytes.count {
        #expect(throws: PropertiesCodecError.self) { try PropertiesCodec.decode(Array(bytes.prefix(length))) }
      }
      #expect(throws: PropertiesCodecError.self) { try PropertiesCodec.decode(bytes + [0]) }
      for _ in 0..<50 {
        var mutated = bytes
        mutated[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
        if let read = try? PropertiesCodec.decode(mutated) { _ = PropertiesCodec.encode(read) }
      }
    }
  }

  @Test func otherVersionsAndDeepNestingAreRefused() {
    #expect(throws: PropertiesCodecError.unknownVersion(9)) { try PropertiesCodec.decode([9, 0, 0]) }
    var value = FieldValue.void
    for _ in 0..<PropertiesCodec.maximumDepth { value = .array([value]) }
    var properties = MessageProperties()
    properties.headers = ["deep": value]
    #expect(throws: PropertiesCodecError.tooDeep) { try PropertiesCodec.decode(PropertiesCodec.encode(properties)) }
  }
}
