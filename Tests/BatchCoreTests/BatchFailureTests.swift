import BatchCore
import Testing

private func problem(_ code: String, _ line: Int? = nil) -> BatchSnapshot.Problem {
  BatchSnapshot.Problem(code: code, message: "because", line: line)
}

private func failure(_ code: String) -> Failure {
  Failure(.providerRejected, "the provider failed the batch (\(code)): because")
}

@Suite(.timeLimit(.minutes(4)))
struct BatchFailureTests {
  @Test(arguments: ["rate_limit_exceeded", "slow_down", "server_error"])
  func aFaultOfTheProviderIsResubmitted(code: String) {
    #expect(BatchFailure.disposition(of: [problem(code)], rowCount: 100, halvings: 6) == .resubmitLater)
    let withLine = [problem("invalid_json_line", 4), problem(code)]
    #expect(BatchFailure.disposition(of: withLine, rowCount: 100, halvings: 0) == .resubmitLater)
  }

  @Test(arguments: ["token_limit_exceeded", "TOKEN_LIMIT_EXCEEDED"])
  func wantOfRoomWaitsForRoom(code: String) {
    #expect(
      BatchFailure.disposition(of: [problem(code)], rowCount: 100, halvings: 6) == .resubmitWithRoom(cap: nil))
    let named = BatchSnapshot.Problem(code: code, message: "Limit: 90,000 enqueued tokens", line: nil)
    #expect(
      BatchFailure.disposition(of: [problem("x", 4), named], rowCount: 1, halvings: 0)
        == .resubmitWithRoom(cap: 90_000))
  }

  @Test func aSizeIsNotSearchedFor() {
    let rows = BatchSnapshot.Problem(code: "too_many_tasks", message: "Limit: 50,000 lines", line: nil)
    #expect(BatchFailure.disposition(of: [rows], rowCount: 9, halvings: 0) == .tooManyRows(limit: 50_000))
    #expect(
      BatchFailure.disposition(of: [problem("file_too_large")], rowCount: 9, halvings: 0) == .tooManyBytes(limit: nil))
    #expect(
      BatchFailure.disposition(of: [problem("too_many_tasks", 3)], rowCount: 9, halvings: 0)
        == .dropLines([3], failure("too_many_tasks")))
    #expect(
      BatchFailure.disposition(of: [problem("too_many_tasks")], rowCount: 1, halvings: 0)
        == .failAll(failure("too_many_tasks")))
  }

  @Test(arguments: AccountFault.billingCodes)
  func moneyClosesTheAccount(code: String) {
    #expect(BatchFailure.disposition(of: [problem(code, 1)], rowCount: 9, halvings: 0) == .accountClosed(.billing))
  }

  @Test(arguments: AccountFault.unauthorisedCodes)
  func aRefusedKeyClosesTheAccount(code: String) {
    #expect(BatchFailure.disposition(of: [problem(code)], rowCount: 9, halvings: 0) == .accountClosed(.unauthorised))
  }

  @Test(arguments: ["invalid_json_line", "duplicate_custom_id", "url_mismatch", "model_mismatch", "never_heard_of"])
  func namedLinesAreDropped(code: String) {
    #expect(
      BatchFailure.disposition(of: [problem(code, 3)], rowCount: 9, halvings: 6) == .dropLines([3], failure(code)))
    let several = [problem(code, 9), problem("x", 1), problem(code, 9), problem(code)]
    #expect(BatchFailure.disposition(of: several, rowCount: 9, halvings: 0) == .dropLines([1, 9], failure(code)))
  }

  @Test(arguments: [0, -1, 10, Int.max, Int.min])
  func aLineThatDoesNotExistNamesNothing(line: Int) {
    let problems = [problem("invalid_json_line", line)]
    #expect(BatchFailure.disposition(of: problems, rowCount: 9, halvings: 0) == .halve)
  }

  @Test(arguments: [
    "invalid_json_line", "duplicate_custom_id", "url_mismatch", "model_mismatch", "too_many_names", "missing_field",
    "unsupported_parameter", "name_too_large", "",
  ])
  func anUnnamedLineIsSearchedFor(code: String) {
    for halvings in 0..<6 {
      #expect(BatchFailure.disposition(of: [problem(code)], rowCount: 2, halvings: halvings) == .halve)
    }
    #expect(BatchFailure.disposition(of: [problem(code)], rowCount: 2, halvings: 6) == .separate)
    let alone = BatchFailure.disposition(of: [problem(code)], rowCount: 1, halvings: 2)
    #expect(alone == .failAll(failure(code.isEmpty ? "no code" : code)))
  }

  @Test func noReasonIsSearchedForToo() {
    #expect(BatchFailure.disposition(of: [], rowCount: 50, halvings: 0) == .halve)
    #expect(BatchFailure.disposition(of: [], rowCount: 50, halvings: 6) == .separate)
    let alone = Failure(.providerRejected, "the provider failed the batch without a reason")
    #expect(BatchFailure.disposition(of: [], rowCount: 1, halvings: 0) == .failAll(alone))
  }

  @Test(arguments: ["empty_file", "model_not_found", "never_heard_of"])
  func unknownCodesAreForGood(code: String) {
    #expect(BatchFailure.disposition(of: [problem(code)], rowCount: 50, halvings: 0) == .failAll(failure(code)))
  }
}
