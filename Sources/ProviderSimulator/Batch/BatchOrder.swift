import BatchCore
import Wire

/// The checked body of a batch create.
struct BatchOrder: Sendable {
  static let mostMetadata = 16
  static let longestMetadataKey = 64
  static let longestMetadataValue = 512

  let inputFileID: String
  let endpoint: Endpoint
  /// The endpoint as it was spelled, which the rows must repeat.
  let path: String
  /// The JSON object on one line.
  let metadata: [UInt8]?
  /// Seconds.
  let outputLifetime: Int?
  /// Where the create names it and the rows do not.
  var model: String?

  init(inputFileID: String, endpoint: Endpoint, path: String, metadata: [UInt8]?, model: String) {
    self.inputFileID = inputFileID
    self.endpoint = endpoint
    self.path = path
    self.metadata = metadata
    self.model = model
    outputLifetime = nil
  }

  init(_ body: JSONSlice, _ dialect: Dialect = .openAI) throws(APIError) {
    guard body.kind == .object else { throw .invalid("The body of the request must be a JSON object.") }
    let fields = JournalRecord(body)
    guard let inputFileID = fields.text("input_file_id") else { throw .missing("input_file_id") }
    self.inputFileID = inputFileID
    if dialect == .xai {
      // A name, and nothing else: the rows say the rest.
      guard let name = fields["name"], name.kind == .string else { throw .missing("name") }
      (endpoint, path, outputLifetime) = (.chatCompletions, Endpoint.chatCompletions.path, nil)
      metadata = Array(name.raw)
      return
    }
    guard let path = fields.text("endpoint") else { throw .missing("endpoint") }
    self.path = path
    guard let endpoint = dialect.isAzure ? Endpoint(spelling: path) : Endpoint(path: path) else {
      let known = Endpoint.openAI.sorted { $0.rawValue < $1.rawValue }.map { "'\($0.path)'" }.joined(separator: ", ")
      throw .invalid(
        "Invalid value: '\(path)'. Supported by the simulator are: \(known).", param: "endpoint", code: "invalid_value")
    }
    self.endpoint = endpoint
    guard let window = fields.text("completion_window") else { throw .missing("completion_window") }
    guard window == "24h" else {
      throw .invalid(
        "Invalid value: '\(window)'. Value must be '24h'.", param: "completion_window", code: "invalid_value")
    }
    metadata = dialect == .together ? nil : try Self.metadata(fields["metadata"])
    outputLifetime = try Self.lifetime(fields["output_expires_after"])
  }

  private static func metadata(_ slice: JSONSlice?) throws(APIError) -> [UInt8]? {
    guard let slice, !slice.isNull else { return nil }
    guard slice.kind == .object else {
      throw .invalid("Invalid type for 'metadata': expected an object.", param: "metadata", code: "invalid_type")
    }
    var count = 0
    for member in slice.members {
      count += 1
      guard member.key.unicodeScalars.count <= longestMetadataKey else {
        throw .invalid(
          "Invalid 'metadata': a key is longer than \(longestMetadataKey) characters.", param: "metadata",
          code: "string_above_max_length")
      }
      guard let value = member.value.string else {
        throw .invalid(
          "Invalid type for 'metadata.\(member.key)': expected a string.", param: "metadata.\(member.key)",
          code: "invalid_type")
      }
      guard value.unicodeScalars.count <= longestMetadataValue else {
        throw .invalid(
          "Invalid 'metadata.\(member.key)': longer than \(longestMetadataValue) characters.",
          param: "metadata.\(member.key)", code: "string_above_max_length")
      }
    }
    guard count <= mostMetadata else {
      throw .invalid(
        "Invalid 'metadata': \(count) pairs, at most \(mostMetadata) are allowed.", param: "metadata",
        code: "object_above_max_properties")
    }
    return CanonicalJSON.spell(slice.raw)
  }

  private static func lifetime(_ slice: JSONSlice?) throws(APIError) -> Int? {
    guard let slice, !slice.isNull else { return nil }
    let fields = JournalRecord(slice)
    guard fields.text("anchor") == "created_at", let seconds = fields.number("seconds"),
      UploadReceipt.lifetimes.contains(seconds)
    else {
      throw .invalid(
        "Invalid 'output_expires_after': expected the anchor 'created_at' and 3600 to 2592000 seconds.",
        param: "output_expires_after", code: "invalid_value")
    }
    return seconds
  }
}
