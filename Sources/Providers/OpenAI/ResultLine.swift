import BatchCore
import Wire

/// One line of an output or error file, in any of its shapes: an answer with its status, an error without an answer, or
/// both. Which file it stands in does not matter.
struct ResultLine {
  private var customID = ""
  private var hasAnswer = false
  private var statusCode: Int?
  private var requestID: String?
  private var body: JSONSlice?
  private var error: ErrorBody?

  /// An answer whose status goes without saying.
  init(customID: String, body: JSONSlice?) {
    self.customID = customID
    self.body = body
    hasAnswer = true
  }

  /// No answer.
  init(customID: String, error: ErrorBody?) {
    self.customID = customID
    self.error = error
  }

  /// `nil` if it is no JSON object with a custom id: nobody can be answered then.
  init?(_ line: [UInt8]) {
    guard let slice = try? JSONSlice.parse(line, maximumDepth: JSONDepth.answers) else { return nil }
    for member in slice.members {
      if member.isNamed("custom_id") {
        customID = member.value.string ?? ""
      } else if member.isNamed("response"), member.value.kind == .object {
        readResponse(member.value)
      } else if member.isNamed("error") {
        error = ErrorBody(error: member.value)
      }
    }
    if customID.isEmpty { return nil }
  }

  private mutating func readResponse(_ response: JSONSlice) {
    hasAnswer = true
    for member in response.members {
      if member.isNamed("status_code") {
        let number = member.value.int64 ?? member.value.string.flatMap { Int64($0) }
        statusCode = number.flatMap { (100..<1000).contains($0) ? Int($0) : nil }
      } else if member.isNamed("request_id") {
        requestID = member.value.string
      } else if member.isNamed("body") {
        body = member.value.isNull ? nil : member.value
      }
    }
  }

  /// Where an error says that the request failed, a success beside it is none.
  mutating func withdrawSuccessBesideError() {
    if error != nil, let status = statusCode, (200..<300).contains(status) { hasAnswer = false }
  }

  func result(describedBy provider: OpenAIProvider) -> BatchResult {
    let isExtra = provider.configuration.dialect.reasoningIsExtra
    return result(describedBy: provider) { UsageParser.usage($0, reasoningIsExtra: isExtra) }
  }

  /// - Parameter usage: reads the member `usage` of an answer.
  func result(describedBy provider: some APIAccount, usage read: (JSONSlice) -> Usage?) -> BatchResult {
    let bodyError = body.flatMap { ErrorBody($0) }
    let error = bodyError ?? error
    guard hasAnswer, let status = statusCode ?? assumedStatus(bodyError) else {
      return BatchResult(
        customID: customID, disposition: Classification.disposition(lineError: error), response: nil, usage: nil,
        message: provider.lineText(error))
    }
    let response = ProviderResponse(statusCode: status, requestID: requestID, body: body.map { Array($0.raw) } ?? [])
    var disposition = Classification.disposition(lineStatus: status, error: error)
    var message = ""
    if disposition != .succeeded {
      message = "\(provider.name) " + provider.answerText(status: status, error: error)
    } else if body == nil {
      // It ran and was billed; asking again would be paid a second time.
      disposition = .rejected
      message = "\(provider.name) answered \(status) without a body"
    }
    let usage = disposition == .succeeded ? body?["usage"].flatMap(read) : nil
    return BatchResult(
      customID: customID, disposition: disposition, response: response, usage: usage, message: message)
  }

  /// Servers that leave the status out mean success, unless the body says otherwise.
  private func assumedStatus(_ bodyError: ErrorBody?) -> Int? {
    bodyError == nil && error == nil && body != nil ? 200 : nil
  }
}

extension APIAccount {
  func lineText(_ error: ErrorBody?) -> String {
    guard let error else { return "\(name) gave neither an answer nor a reason" }
    let label = text(error.label ?? "no code")
    return "\(name) did not answer (\(label))" + (error.message.isEmpty ? "" : ": " + text(error.message))
  }
}
