import BatchCore
import Ledger
import Wire

/// Makes lines of a batch's rows, given one after the other in their order: neighbours of one tenant that differ in nothing
/// but what they want embedded share one. Pure.
///
/// Only first attempts do: what comes back from a line that failed is tried alone, so that a request which spoils a line
/// costs its neighbours time and no answer. That time no tenant may take from another, so none share a line.
struct LineGrouping {
  /// A line that rows may still join.
  private struct Open {
    var first: EmbeddingRequest
    var tenant: String
    var members: [BatchLines.Member]
    var inputs: Int
    var tokens: Int64
    /// Of the lists between its brackets, commas included.
    var listBytes: Int
  }

  /// An answer is in memory as a whole.
  private static let mostAnswerBytes = 8 << 20
  private static let mostListBytes = 4 << 20
  /// What stands around the inputs is read and compared with each row.
  private static let mostFrameBytes = 16 << 10

  private let label: String
  private let limits: EmbeddingLimits
  private var lines = BatchLines()
  private var open: Open?

  init(label: String, limits: EmbeddingLimits) {
    self.label = label
    self.limits = limits
  }

  mutating func add(_ row: BatchRowBody) {
    guard let request = row.attempt == 1 ? EmbeddingRequest(row.body) : nil, isSound(request, row.tokens) else {
      close()
      return count(row.body, CustomID.make(label: label, request: row.id, attempt: row.attempt))
    }
    let member = BatchLines.Member(id: row.id, inputs: request.inputs, tokens: max(0, row.tokens))
    if open.map({ $0.tenant == row.tenant && fits(request, member, $0) }) ?? false {
      open?.members.append(member)
      open?.inputs += member.inputs
      open?.tokens += member.tokens
      open?.listBytes += 1 + request.listBytes
    } else {
      close()
      open = Open(
        first: request, tenant: row.tenant, members: [member], inputs: member.inputs, tokens: member.tokens,
        listBytes: request.listBytes)
    }
  }

  /// After the last row.
  mutating func finish() -> BatchLines {
    close()
    return lines
  }

  /// Whether it is not expected to spoil a line, nor to make one that is dear to build.
  private func isSound(_ request: EmbeddingRequest, _ tokens: Int64) -> Bool {
    // Of several inputs one may have nearly all of the tokens.
    tokens <= limits.tokens && tokens <= limits.tokensEach
      && request.frame.count <= Self.mostFrameBytes
  }

  private func fits(_ request: EmbeddingRequest, _ member: BatchLines.Member, _ line: Open) -> Bool {
    let inputs = line.inputs + member.inputs
    return inputs <= limits.inputs && line.tokens + member.tokens <= limits.tokens
      && line.listBytes + 1 + request.listBytes <= Self.mostListBytes
      && inputs <= Self.mostAnswerBytes / request.bytesEach && line.first.frame == request.frame
  }

  private mutating func close() {
    guard let line = open.take() else { return }
    let body = line.first.body
    guard let first = line.members.first else { return }
    let name = CustomID.make(label: label, request: first.id, attempt: 1, members: line.members.count)
    guard line.members.count > 1 else { return count(body, name) }
    lines.shared.append(line.members)
    count(line.first.mergedFrameBytes + line.listBytes, body.modelRange.count, name)
  }

  private mutating func count(_ body: RequestBody, _ customID: String) {
    count(body.bytes.count, body.modelRange.count, customID)
  }

  private mutating func count(_ bodyBytes: Int, _ modelBytes: Int, _ customID: String) {
    lines.count += 1
    lines.bodyBytes += Int64(bodyBytes)
    lines.modelRangeBytes += Int64(modelBytes)
    lines.customIDBytes += Int64(customID.utf8.count)
  }
}
