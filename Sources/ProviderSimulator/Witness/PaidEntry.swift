import BatchCore
import Wire

/// One line of the witness: a call or a row that was accepted for execution, and so is paid for.
struct PaidEntry: Sendable {
  enum Kind: String, Sendable {
    case sync
    case batch
  }

  var kind: Kind
  /// Milliseconds since 1970.
  var time: Int
  /// First 12 hexadecimal digits of the SHA-256 of the API key; never the key.
  var key: String
  var endpoint: Endpoint
  var model: String
  var batchID: String?
  /// Line of the input file, from 0.
  var row: Int?
  /// As a JSON string, quotes included.
  var customID: ArraySlice<UInt8>?
  var promptDigest: [UInt8]
  /// The last user text; its first 80 bytes are written.
  var promptText: [UInt8]
  /// From 0: how often this prompt had reached the simulator before, as far as it remembers.
  var attempt: Int
  var status = 200
  /// Why the caller does not get the answer, if so: `hang`, `cut`, `missing`.
  var fault: String?
  var inputTokens: Int
  /// Of them, what the prompt cache had.
  var cachedTokens = 0
  var outputTokens: Int
  var cost: PicoUSD
  /// The caller's User-Agent, of a call.
  var agent: String?

  func write(sequence: Int, to buffer: inout [UInt8]) {
    var writer = JSONWriter(capacity: 512)
    writer.beginObject()
    writer.field("seq", sequence)
    writer.field("time", time)
    writer.field("kind", kind.rawValue)
    writer.field("key", key)
    writer.field("endpoint", endpoint.path)
    writer.field("model", model)
    writer.key("batch_id")
    writer.string(orNull: batchID)
    writer.key("row")
    writer.int(orNull: row)
    writer.key("custom_id")
    if let customID { writer.raw(customID) } else { writer.null() }
    writer.key("prompt_sha")
    writer.string(utf8: Bytes.hex(promptDigest))
    writer.key("prompt_key")
    writer.string(utf8: Bytes.prefix(promptText, maximum: 80))
    writer.field("attempt", attempt)
    writer.field("status", status)
    writer.key("fault")
    writer.string(orNull: fault)
    writer.field("input_tokens", inputTokens)
    writer.field("cached_tokens", cachedTokens)
    writer.field("output_tokens", outputTokens)
    writer.field("pico_usd", cost.value)
    writer.key("agent")
    writer.string(orNull: agent)
    writer.endObject()
    buffer += writer.bytes
    buffer.append(0x0A)
  }
}
