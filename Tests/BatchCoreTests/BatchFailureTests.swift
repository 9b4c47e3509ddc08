import BatchCore
import Testing

private func problem(_ code: String, _ line: Int? = nil) -> BatchSnapshot.Problem {
  BatchSnapshot.Problem(code: code, message: "because", line: line)
}

private func failure(_ code: String) -> Failure {
  Failure(.providerRejected, "the provider failed the batch (\(code)): because")
}

@Suite(.timeLimit(.minutes(1)))
struct BatchFailureTests {
  @Test(arguments: ["token_limit_exceeded", "TOKEN_LIMIT_EXCEEDED", "rate_limit_exceeded", "slow_down", "server_error"])
  func wantOfRoomIsResubmitted(code: String) {
    #expect(BatchFailure.disposition(of: [problem(code)], rowCount: 100, halvings: 6) == .resubmitLater(nil))
    let withLine = [problem("invalid_json_line", 4), problem(code)]
    #expect(BatchFailure.disposition(of: withLine, rowCount: 100, halvings: 0) == .resubmitLater(nil))
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
    "invalid_json_line", "duplicate_custom_id", "url_mismatch", "model_mismatch", "too_many_tasks", "missing_field",
    "unsupported_parameter", "request_too_large", "",
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
