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
  static let azureLifetimes = 1_209_600...2_592_000
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
  ///
  /// - Parameter hasAzureFields: The lifetime is told with dots instead of brackets, and is otherwise endless.
  func file(
    id: String, project: String, now: Int, hasAzureFields: Bool = false, purposes: [String] = Self.purposes
  ) throws(APIError) -> StoredFile {
    guard let filename else { throw .missing("file") }
    guard let purpose = text("purpose") else { throw .missing("purpose") }
    guard purposes.contains(purpose) else {
      throw .invalid(
        "'\(purpose)' is not one of [\(purposes.joined(separator: ", "))] - 'purpose'", param: "purpose",
        code: "invalid_value")
    }
    guard !purpose.hasPrefix("batch") || filename.hasSuffix(".jsonl") else {
      throw .invalid("Invalid file format for Batch API. Must be .jsonl", param: "file")
    }
    let lifetime =
      hasAzureFields
      ? try self.lifetime("expires_after.anchor", "expires_after.seconds", Self.azureLifetimes)
      : try self.lifetime("expires_after[anchor]", "expires_after[seconds]", Self.lifetimes)
        ?? (purpose.hasPrefix("batch") ? Self.defaultLifetime : nil)
    if hasAzureFields, let bracketed = fields.keys.first(where: { $0.contains("[") }) {
      throw .invalid("The form field '\(bracketed)' is not known.", param: bracketed, code: "invalidPayload")
    }
    return StoredFile(
      id: id, project: project, bytes: contentBytes, createdAt: now, expiresAt: lifetime.map { now + $0 },
      filename: filename, purpose: purpose)
  }

  private func lifetime(_ anchor: String, _ seconds: String, _ allowed: ClosedRange<Int>) throws(APIError) -> Int? {
    if fields[anchor] == nil, fields[seconds] == nil { return nil }
    guard text(anchor) == "created_at" else {
      throw .invalid("Invalid '\(anchor)': expected 'created_at'.", param: "expires_after")
    }
    guard let value = text(seconds).flatMap({ Int($0) }), allowed.contains(value) else {
      throw .invalid(
        "Invalid '\(seconds)': expected \(allowed.lowerBound) to \(allowed.upperBound).", param: "expires_after")
    }
    return value
  }

  private func text(_ name: String) -> String? {
    fields[name].map { String(decoding: $0, as: UTF8.self) }
  }
}
