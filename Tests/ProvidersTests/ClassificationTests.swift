import BatchCore
import Testing

@testable import Providers

private let wait = Duration.seconds(7)

@Suite(.timeLimit(.minutes(4)))
struct ClassificationTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var status: Int
    var type: String?
    var code: String?
    var message = "m"
    var shouldRetry: Bool?
    var expected: Disposition

    var testDescription: String { "\(status) \(type ?? "-") \(code ?? "-")" }
  }

  static let rows: [Row] = [
    Row(status: 200, expected: .succeeded),
    Row(status: 201, expected: .succeeded),
    Row(status: 299, expected: .succeeded),
    Row(status: 200, code: "rate_limit_exceeded", expected: .succeeded),
    Row(status: 100, expected: .retryable(retryAfter: wait)),
    Row(status: 302, expected: .retryable(retryAfter: wait)),
    Row(status: 0, expected: .retryable(retryAfter: wait)),
    Row(status: 400, type: "invalid_request_error", expected: .rejected),
    Row(status: 400, code: "context_length_exceeded", expected: .rejected),
    Row(status: 400, code: "billing_hard_limit_reached", expected: .accountClosed(.billing)),
    Row(status: 400, code: "token_limit_exceeded", expected: .rateLimited(retryAfter: wait)),
    Row(status: 401, type: "invalid_request_error", code: "invalid_api_key", expected: .accountClosed(.unauthorised)),
    Row(status: 402, expected: .accountClosed(.billing)),
    Row(status: 403, expected: .accountClosed(.unauthorised)),
    Row(
      status: 403, type: "request_forbidden", code: "unsupported_country_region_territory",
      expected: .accountClosed(.unauthorised)),
    Row(status: 403, type: "invalid_request_error", code: "model_not_found", expected: .rejected),
    Row(status: 403, code: "content_policy_violation", expected: .rejected),
    Row(status: 404, code: "model_not_found", expected: .rejected),
    Row(status: 405, expected: .rejected),
    Row(status: 408, expected: .retryable(retryAfter: wait)),
    Row(status: 409, expected: .retryable(retryAfter: wait)),
    Row(status: 413, expected: .rejected),
    Row(status: 422, expected: .rejected),
    Row(status: 425, expected: .retryable(retryAfter: wait)),
    Row(status: 429, expected: .rateLimited(retryAfter: wait)),
    Row(status: 429, type: "requests", code: "rate_limit_exceeded", expected: .rateLimited(retryAfter: wait)),
    Row(status: 429, type: "rate_limit_error", code: "slow_down", expected: .rateLimited(retryAfter: wait)),
    Row(status: 503, type: "rate_limit_error", code: "slow_down", expected: .rateLimited(retryAfter: wait)),
    Row(
      status: 429, type: "tokens", code: "rate_limit_exceeded", message: "Request too large for gpt-x on TPM",
      expected: .rejected),
    Row(status: 429, type: "insufficient_quota", expected: .accountClosed(.billing)),
    Row(status: 429, code: "insufficient_quota", expected: .accountClosed(.billing)),
    Row(status: 429, code: "INSUFFICIENT_QUOTA", expected: .accountClosed(.billing)),
    Row(
      status: 429, type: "insufficient_quota", code: "credit_balance_exhausted", expected: .accountClosed(.billing)),
    Row(status: 429, code: "organization_spend_limit_exceeded", expected: .accountClosed(.billing)),
    Row(status: 429, code: "project_spend_limit_exceeded", expected: .accountClosed(.billing)),
    Row(status: 429, code: "organization_usage_limit_exceeded", expected: .accountClosed(.billing)),
    Row(status: 429, shouldRetry: false, expected: .rateLimited(retryAfter: wait)),
    Row(status: 500, expected: .retryable(retryAfter: wait)),
    Row(status: 502, expected: .retryable(retryAfter: wait)),
    Row(
      status: 503, type: "service_unavailable_error", code: "server_is_overloaded",
      expected: .retryable(retryAfter: wait)),
    Row(status: 529, expected: .retryable(retryAfter: wait)),
    Row(status: 599, expected: .retryable(retryAfter: wait)),
    Row(status: 400, shouldRetry: true, expected: .retryable(retryAfter: wait)),
    Row(status: 500, shouldRetry: false, expected: .rejected),
    Row(status: 401, shouldRetry: true, expected: .accountClosed(.unauthorised)),
  ]

  @Test(arguments: rows)
  func table(row: Row) {
    let error = ErrorBody(type: row.type, code: row.code, message: row.message)
    let disposition = Classification.disposition(
      statusCode: row.status, error: error, retryAfter: wait, shouldRetry: row.shouldRetry)
    #expect(disposition == row.expected)
  }

  /// Every status has a meaning without any text, and it is the one that the table of statuses gives.
  @Test func everyStatus() {
    for status in 0..<1000 {
      let expected: Disposition =
        switch status {
        case 200..<300: .succeeded
        case 0..<400, 408, 409, 425, 500..<1000: .retryable(retryAfter: nil)
        case 401, 403: .accountClosed(.unauthorised)
        case 402: .accountClosed(.billing)
        case 429: .rateLimited(retryAfter: nil)
        default: .rejected
        }
      #expect(Classification.disposition(statusCode: status, error: nil, retryAfter: nil) == expected)
      #expect(Classification.disposition(lineStatus: status, error: nil) == expected)
    }
  }

  @Test(
    arguments: [
      ("batch_expired", nil, Disposition.notExecuted(.expired)), ("batch_cancelled", nil, .notExecuted(.cancelled)),
      ("batch_canceled", nil, .notExecuted(.cancelled)), ("batch_failed", nil, .notExecuted(.failed)),
      ("BATCH_EXPIRED", nil, .notExecuted(.expired)), (nil, "batch_expired", .notExecuted(.expired)),
      ("server_error", nil, .retryable(retryAfter: nil)), (nil, nil, .retryable(retryAfter: nil)),
      ("never_heard_of", "new_error", .retryable(retryAfter: nil)), ("model_not_found", nil, .rejected),
      (nil, "invalid_request_error", .rejected), ("unsupported_parameter", nil, .rejected),
      ("rate_limit_exceeded", nil, .rateLimited(retryAfter: nil)), ("slow_down", nil, .rateLimited(retryAfter: nil)),
      ("insufficient_quota", nil, .accountClosed(.billing)),
      ("invalid_api_key", "invalid_request_error", .accountClosed(.unauthorised)),
      ("429", nil, .rateLimited(retryAfter: nil)), ("400", nil, .rejected), ("503", nil, .retryable(retryAfter: nil)),
      ("200", nil, .retryable(retryAfter: nil)),
    ] as [(String?, String?, Disposition)])
  func linesWithoutAStatus(code: String?, type: String?, expected: Disposition) {
    let error = ErrorBody(type: type, code: code, message: "")
    #expect(Classification.disposition(lineError: error) == expected)
  }

  @Test func aLineWithoutAReasonMayBeTriedAgain() {
    #expect(Classification.disposition(lineError: nil) == .retryable(retryAfter: nil))
  }

  @Test func notExecutedCountsWithAStatusToo() {
    let error = ErrorBody(type: nil, code: "batch_expired", message: "")
    #expect(Classification.disposition(lineStatus: 500, error: error) == .notExecuted(.expired))
    #expect(Classification.disposition(lineStatus: 200, error: error) == .succeeded)
  }

  @Test(
    arguments: [
      (#"{"error":{"message":"m","type":"t","param":null,"code":"c"}}"#, ErrorBody(type: "t", code: "c", message: "m")),
      (
        #"{"error":{"message":"m","type":null,"code":429},"detail":{}}"#,
        ErrorBody(type: nil, code: "429", message: "m")
      ),
      (#"{"error":"plain"}"#, ErrorBody(type: nil, code: nil, message: "plain")),
      (#"{"detail":"not found"}"#, ErrorBody(type: nil, code: nil, message: "not found")),
      (#"[{"error":{"message":"in a list"}}]"#, ErrorBody(type: nil, code: nil, message: "in a list")),
      (#"{"error":null}"#, nil), (#"{"error":{}}"#, nil), (#"{"error":""}"#, nil), (#"{"error":7}"#, nil),
      ("[]", nil), ("7", nil), ("", nil), ("<html>", nil), (#"{"id":1}"#, nil),
    ] as [(String, ErrorBody?)])
  func errorBodies(text: String, expected: ErrorBody?) {
    #expect(ErrorBody(body: Array(text.utf8)) == expected)
  }
}
