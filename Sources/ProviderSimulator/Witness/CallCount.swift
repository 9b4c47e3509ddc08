import Wire

/// How many calls were taken, and how many were refused for what reason.
struct CallCount: Sendable {
  private(set) var accepted = 0
  private(set) var refused = 0
  private var reasons: [String: Int] = [:]
  private var statuses: [Int: Int] = [:]

  mutating func accept() { accepted += 1 }

  /// - Parameters:
  ///   - reason: From a closed set.
  ///   - status: `nil` where nothing was answered.
  mutating func refuse(_ reason: String, status: Int?) {
    refused += 1
    reasons[reason, default: 0] += 1
    if let status { statuses[status, default: 0] += 1 }
  }

  /// Writes the members of an object.
  func write(into writer: inout JSONWriter) {
    writer.field("accepted", accepted)
    writer.field("refused", refused)
    writer.key("reasons")
    writer.beginObject()
    for (reason, count) in reasons.sorted(by: { $0.key < $1.key }) { writer.field(reason, count) }
    writer.endObject()
    writer.key("statuses")
    writer.beginObject()
    for (status, count) in statuses.sorted(by: { $0.key < $1.key }) { writer.field(String(status), count) }
    writer.endObject()
  }
}
