/// What the parts of an upload have said so far, and the content that is not written yet.
struct UploadReceipt: Sendable {
  private enum Part {
    case none
    case file
    case field(String)
  }

  static let maximumFieldBytes = 1024
  static let purposes = ["assistants", "batch", "fine-tune", "vision", "user_data", "evals"]
  static let lifetimes = 3600...2_592_000
  /// What batch files live without `expires_after`, in seconds.
  static let defaultLifetime = 2_592_000

  private(set) var content: [UInt8] = []
  private var contentBytes = 0
  private var filename: String?
  private var fields: [String: [UInt8]] = [:]
  private var part = Part.none
  private let maximumBytes: Int

  init(maximumBytes: Int) {
    self.maximumBytes = maximumBytes
  }

  mutating func add(_ events: [MultipartParser.Event]) throws(APIError) {
    for event in events {
      switch event {
      case .part(let name, let filename):
        part = name == "file" ? .file : .field(name)
        if name == "file" { self.filename = filename ?? "" } else if fields.count < 32 { fields[name] = [] }
      case .data(let bytes):
        switch part {
        case .none: break
        case .file:
          contentBytes += bytes.count
          guard contentBytes <= maximumBytes else {
            throw .invalid("File is too large. The maximum is \(maximumBytes) bytes.", param: "file")
          }
          content += bytes
        case .field(let name):
          guard (fields[name]?.count ?? 0) + bytes.count <= Self.maximumFieldBytes else {
            throw .invalid("The field '\(name)' is longer than \(Self.maximumFieldBytes) bytes.", param: name)
          }
          fields[name]? += bytes
        }
      case .endOfPart: part = .none
      }
    }
  }

  mutating func takeContent() -> [UInt8] {
    defer { content = [] }
    return content
  }

  /// The file, when all of it has come.
  func file(id: String, project: String, now: Int) throws(APIError) -> StoredFile {
    guard let filename else { throw .missing("file") }
    guard let purpose = text("purpose") else { throw .missing("purpose") }
    guard Self.purposes.contains(purpose) else {
      throw .invalid(
        "'\(purpose)' is not one of [\(Self.purposes.joined(separator: ", "))] - 'purpose'", param: "purpose",
        code: "invalid_value")
    }
    guard purpose != "batch" || filename.hasSuffix(".jsonl") else {
      throw .invalid("Invalid file format for Batch API. Must be .jsonl", param: "file")
    }
    var lifetime = purpose == "batch" ? Self.defaultLifetime : nil
    if fields["expires_after[anchor]"] != nil || fields["expires_after[seconds]"] != nil {
      guard text("expires_after[anchor]") == "created_at" else {
        throw .invalid("Invalid 'expires_after.anchor': expected 'created_at'.", param: "expires_after")
      }
      guard let seconds = text("expires_after[seconds]").flatMap({ Int($0) }), Self.lifetimes.contains(seconds) else {
        throw .invalid(
          "Invalid 'expires_after.seconds': expected \(Self.lifetimes.lowerBound) to \(Self.lifetimes.upperBound).",
          param: "expires_after")
      }
      lifetime = seconds
    }
    return StoredFile(
      id: id, project: project, bytes: contentBytes, createdAt: now, expiresAt: lifetime.map { now + $0 },
      filename: filename, purpose: purpose)
  }

  private func text(_ name: String) -> String? {
    fields[name].map { String(decoding: $0, as: UTF8.self) }
  }
}
