import BatchCore
import Testing
import Wire

@testable import LedgerPostgres

@Suite("Postgres: values", .timeLimit(.minutes(4)))
struct ValueTests {
  enum Colour: UInt8, PostgresValue {
    case red = 1
    case blue = 200
  }

  @Test func integersOfEverySizeRoundTrip() async throws {
    try await PostgresPlace().connected { connection throws in
      let statement = connection.prepare("SELECT $1, $2, $3, $4")
      for (small, medium, large) in [
        (Int16.min, Int32.min, Int64.min), (-1, -1, -1), (0, 0, 0), (Int16.max, Int32.max, Int64.max),
      ] {
        statement.start()
        statement.bind(small)
        statement.bind(medium)
        statement.bind(large)
        statement.bind(Int(large))
        let row = try statement.execute()[0]
        #expect(try row.integer(0) == Int64(small))
        #expect(try row.integer(1) == Int64(medium))
        #expect(try row.integer(2) == large)
        #expect(try row.int(3) == Int(large))
      }
    }
  }

  @Test func otherValuesRoundTrip() async throws {
    let digest = try #require(SHA256Digest((0..<32).map { UInt8($0) }))
    let id = try #require(LedgerID(bytes: (0..<16).map { UInt8($0) }))
    try await PostgresPlace().connected { connection throws in
      let statement = connection.prepare("SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9")
      statement.start()
      statement.bind(true)
      statement.bind(false)
      statement.bind(Timestamp(milliseconds: 1_700_000_000_123))
      statement.bind(digest)
      statement.bind(id)
      statement.bind(Colour.blue)
      statement.bind("")
      statement.bind([UInt8]())
      statement.bind([9, 8, 7][1...] as ArraySlice<UInt8>)
      let row = try statement.execute()[0]
      #expect(try row.bool(0))
      #expect(try !row.bool(1))
      #expect(try row.timestamp(2) == Timestamp(milliseconds: 1_700_000_000_123))
      #expect(try row.digest(3) == digest)
      #expect(try row.ledgerID(4) == id)
      #expect(try row.value(5, Colour.self) == .blue)
      #expect(try row.text(6) == "")
      #expect(try row.bytes(7) == [])
      #expect(!row.isNull(7))
      #expect(try row.bytes(8) == [8, 7])
      #expect(row.size(8) == 2)
    }
  }

  @Test func nullIsNothingOfEveryKind() async throws {
    try await PostgresPlace().connected { connection throws in
      let statement = connection.prepare("SELECT $1, $2, $3, $4, $5, $6::int8")
      statement.start()
      statement.bind(nil as Int64?)
      statement.bind(nil as Bool?)
      statement.bind(nil as String?)
      statement.bind(nil as [UInt8]?)
      statement.bind(nil as Timestamp?)
      statement.bindNull()
      let row = try statement.execute()[0]
      for column in CInt(0)..<6 { #expect(row.isNull(column)) }
      #expect(try row.optionalInteger(0) == nil)
      #expect(try row.optionalBool(1) == nil)
      #expect(try row.optionalText(2) == nil)
      #expect(row.optionalBytes(3) == nil)
      #expect(try row.optionalTimestamp(4) == nil)
      #expect(row.size(0) == 0)

      statement.start()
      statement.bind(5 as Int64?)
      statement.bind(true as Bool?)
      statement.bind("x" as String?)
      statement.bind([1] as [UInt8]?)
      statement.bind(Timestamp(milliseconds: 3) as Timestamp?)
      statement.bind(6)
      let second = try statement.execute()[0]
      #expect(try second.optionalInteger(0) == 5)
      #expect(try second.optionalBool(1) == true)
      #expect(try second.optionalText(2) == "x")
      #expect(second.optionalBytes(3) == [1])
      #expect(try second.optionalTimestamp(4) == Timestamp(milliseconds: 3))
      #expect(try second.integer(5) == 6)
    }
  }

  /// Every scalar but U+0000, in steps that keep the text below a megabyte or two.
  @Test func textOfAllOfUnicodeRoundTrips() async throws {
    var text = ""
    for value in UInt32(1)...0x10FFFF { if let scalar = Unicode.Scalar(value) { text.unicodeScalars.append(scalar) } }
    let all = text
    #expect(all.unicodeScalars.count == 0x10FFFF - 0x800)
    try await PostgresPlace().connected { connection throws in
      let statement = connection.prepare("SELECT $1, length($1)")
      statement.start().bind(all)
      let row = try statement.execute()[0]
      let back = try row.text(0)
      #expect(back.utf8.elementsEqual(all.utf8))
      #expect(try row.int(1) == all.unicodeScalars.count)
    }
  }

  @Test func theNullCharacterIsRefusedAsTextAndKeptAsBytes() async throws {
    try await PostgresPlace().connected { connection throws in
      let text = connection.prepare("SELECT $1")
      text.start().bind("a\0b")
      let error = try failure { try text.run() }
      #expect(error.state == "22021")
      #expect(error.kind == .other)
      #expect(connection.isOpen)
      let bytes = connection.prepare("SELECT $1 AS bytes")
      bytes.start().bind(UTF8Bytes("a\0b"))
      #expect(try bytes.first { try $0.text(0) } == "a\0b")
    }
  }

  @Test(arguments: [0, 1, 1 << 20, 20 << 20])
  func bytesRoundTrip(count: Int) async throws {
    var bytes = [UInt8](repeating: 0, count: count)
    for index in bytes.indices { bytes[index] = UInt8(truncatingIfNeeded: index &* 31 ^ index >> 8) }
    let sent = bytes
    try await PostgresPlace().connected { connection throws in
      let statement = connection.prepare("SELECT $1, length($1), $2")
      for _ in 0..<2 {
        statement.start()
        statement.bind(sent)
        unsafe sent.withUnsafeBytes { unsafe statement.bind(raw: $0) }
        let row = try statement.execute()[0]
        #expect(try row.bytes(0) == sent)
        #expect(try row.int(1) == count)
        #expect(try row.bytes(2) == sent)
      }
    }
  }

  @Test func whatIsNotOfTheFormAskedForIsDamaged() async throws {
    try await PostgresPlace().connected { connection throws in
      let statement = connection.prepare(
        "SELECT 'abc'::text, NULL::int8, '\\xff'::bytea, 300::int4, true, '\\x'::bytea")
      let row = try statement.start().execute()[0]
      func damaged(_ body: () throws -> Void) throws { #expect(try failure(of: body).kind == .damaged) }
      try damaged { _ = try row.integer(0) }
      try damaged { _ = try row.bool(0) }
      try damaged { _ = try row.integer(1) }
      try damaged { _ = try row.bool(1) }
      try damaged { _ = try row.text(1) }
      try damaged { _ = try row.bytes(1) }
      try damaged { _ = try row.text(2) }
      try damaged { _ = try row.digest(2) }
      try damaged { _ = try row.ledgerID(2) }
      try damaged { _ = try row.value(3, Colour.self) }
      try damaged { _ = try row.integer(4) }
      try damaged { _ = try row.integer(5) }
      try damaged { _ = try row.bool(5) }
      try damaged { _ = try row.body(2, offset: 3, length: 3) }
      // Columns and rows that are not there.
      for column in [6, 1000, -1, CInt.max, CInt.min] { try damaged { _ = try row.integer(column) } }
      let result = try statement.execute()
      for index in [1, -1, Int.max, Int.min] { try damaged { _ = try result[index].text(0) } }
    }
  }

  @Test func aBodyComesWithThePlaceOfItsModel() async throws {
    try await PostgresPlace().connected { connection throws in
      let statement = connection.prepare("SELECT '\\x616263646566'::bytea, $1::int4, $2::int4")
      func body(_ offset: Int32, _ length: Int32) throws -> RequestBody {
        statement.start()
        statement.bind(offset)
        statement.bind(length)
        return try statement.execute()[0].body(0, offset: 1, length: 2)
      }
      #expect(try body(1, 3).modelRange == 1..<4)
      #expect(try body(6, 0).modelRange == 6..<6)
      for (offset, length) in [(5, 2), (-1, 2), (0, -1), (7, 0), (Int32.max, Int32.max)] as [(Int32, Int32)] {
        #expect(try failure { _ = try body(offset, length) }.kind == .damaged)
      }
    }
  }
}
