import Wire

/// The checked body of a create of a message batch: its rows as lines of an input file, so that the engine runs them as it
/// runs all others.
struct MessageBatchOrder {
  static let mostRows = 100_000
  static let mostBytes = 256_000_000
  static let longestCustomID = 64

  private(set) var lines: [UInt8] = []
  private(set) var rows = 0

  init(_ body: JSONSlice) throws(APIError) {
    guard body.kind == .object, let requests = body["requests"], requests.kind == .array else {
      throw .invalid("requests: Field required")
    }
    var seen: Set<String> = []
    lines.reserveCapacity(body.range.count)
    for request in requests.elements {
      guard let customID = request["custom_id"]?.string else {
        throw .invalid("requests.\(rows).custom_id: Field required")
      }
      guard Self.isAllowed(customID) else {
        throw .invalid("requests.\(rows).custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'")
      }
      guard seen.insert(customID).inserted else {
        throw .invalid("requests: custom_id '\(customID)' is not unique within the batch")
      }
      guard let params = request["params"], params.kind == .object else {
        throw .invalid("requests.\(rows).params: Field required")
      }
      if params["stream"]?.bool == true { throw .invalid("requests.\(rows).params.stream: not supported in batches") }
      var writer = JSONWriter(capacity: params.range.count + 120)
      writer.beginObject()
      writer.field("custom_id", customID)
      writer.field("method", "POST")
      writer.field("url", "/v1/messages")
      writer.key("body")
      // A line has no breaks, which a body may have between its tokens.
      writer.raw(params.raw.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 })
      writer.endObject()
      lines += writer.bytes
      lines.append(0x0A)
      rows += 1
      if rows > Self.mostRows {
        throw APIError(
          status: 413, message: "A batch has at most \(Self.mostRows) requests.", reason: "too_large")
      }
    }
    guard rows > 0 else { throw .invalid("requests: List should have at least 1 item") }
  }

  private static func isAllowed(_ customID: String) -> Bool {
    (1...longestCustomID).contains(customID.utf8.count)
      && customID.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
          true
        default: false
        }
      }
  }
}
