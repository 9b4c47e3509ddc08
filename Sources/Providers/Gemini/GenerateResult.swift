import BatchCore
import Wire

/// One line of a batch's results.
struct GenerateResult {
  private let key: String
  private let response: JSONSlice?
  private let error: JSONSlice?

  /// `nil` if it is no JSON object with a key: nobody can be answered then.
  init?(_ line: [UInt8]) {
    guard let slice = try? JSONSlice.parse(line, maximumDepth: JSONDepth.answers),
      let key = slice["key"]?.string ?? slice["metadata"]?["key"]?.string, !key.isEmpty
    else { return nil }
    self.key = key
    response = slice["response"].flatMap { $0.kind == .object ? $0 : nil }
    error = slice["error"].flatMap { $0.isNull ? nil : $0 }
  }

  func result(describedBy account: GeminiProvider) -> BatchResult {
    if let error { return refused(error, account) }
    guard let response else {
      return BatchResult(
        customID: key, disposition: .retryable(retryAfter: nil), response: nil, usage: nil,
        message: "\(account.name) gave neither an answer nor a reason")
    }
    return BatchResult(
      customID: key, disposition: .succeeded,
      response: ProviderResponse(statusCode: 200, requestID: nil, body: Array(response.raw)),
      usage: response["usageMetadata"].flatMap(GenerateUsage.usage), message: "")
  }

  private func refused(_ error: JSONSlice, _ account: GeminiProvider) -> BatchResult {
    let status = Self.status(of: error)
    // A row is cancelled for itself too, while the others of its batch succeed.
    if status == GoogleStatus.cancelled.statusCode {
      return BatchResult(
        customID: key, disposition: .notExecuted(.cancelled), response: nil, usage: nil,
        message: "\(account.name) cancelled this request")
    }
    let parsed = ErrorBody(error: error)
    let body = Array(#"{"error":"#.utf8) + error.raw + Array("}".utf8)
    return BatchResult(
      customID: key, disposition: Classification.disposition(lineStatus: status, error: parsed),
      response: ProviderResponse(statusCode: status, requestID: nil, body: body), usage: nil,
      message: "\(account.name) " + account.answerText(status: status, error: parsed))
  }

  /// By the name, else by the code, which counts as Google's APIs count or is a status of HTTP. What is not known counts as
  /// the provider's own failure, which may pass.
  private static func status(of error: JSONSlice) -> Int {
    if let status = error["status"]?.string.flatMap({ GoogleStatus(rawValue: $0) }) { return status.statusCode }
    guard let code = error["code"]?.int64 else { return 500 }
    if let status = GoogleStatus(number: code) { return status.statusCode }
    return (400..<600).contains(code) ? Int(code) : 500
  }
}
