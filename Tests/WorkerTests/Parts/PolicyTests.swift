import BatchCore
import Ledger
import TestSupport
import Testing
import Wire

@testable import Worker

struct PolicyTests {
  private static let now = Timestamp(milliseconds: 1_700_000_000_000)

  // MARK: Lanes

  private static let near = Deadlines.Outlook(mayWait: false, isLikelyInTime: false)
  private static let risky = Deadlines.Outlook(mayWait: true, isLikelyInTime: false)
  private static let far = Deadlines.Outlook(mayWait: true, isLikelyInTime: true)

  @Test(arguments: [nil, near, risky, far])
  func theQueueDecidesWithoutAWish(outlook: Deadlines.Outlook?) {
    #expect(
      LaneChooser.choose(queue: .interactive, wish: nil, outlook: outlook, hasBatches: true) == (.interactive, .broker))
    let isLate = outlook == Self.near
    #expect(
      LaneChooser.choose(queue: .deferred, wish: nil, outlook: outlook, hasBatches: true) == (
        isLate ? .interactive : .deferred, .ledger
      ))
  }

  @Test(arguments: Lane.allCases)
  func aWishChangesTheLaneAndNeverGivesTheBrokerMoreCustody(queue: Lane) {
    for outlook in [nil, Self.near, Self.risky, Self.far] {
      #expect(
        LaneChooser.choose(queue: queue, wish: .interactive, outlook: outlook, hasBatches: true)
          == (.interactive, queue == .interactive ? .broker : .ledger))
      // A deadline that is too near for a batch is kept by a call.
      #expect(
        LaneChooser.choose(queue: queue, wish: .deferred, outlook: outlook, hasBatches: true)
          == (outlook == Self.near ? .interactive : .deferred, .ledger))
    }
  }

  @Test(arguments: Lane.allCases)
  func autoGoesByTheDeadline(queue: Lane) {
    for outlook in [Self.near, Self.risky] {
      #expect(
        LaneChooser.choose(queue: queue, wish: .auto, outlook: outlook, hasBatches: true) == (.interactive, .ledger))
    }
    for outlook in [nil, Self.far] {
      #expect(LaneChooser.choose(queue: queue, wish: .auto, outlook: outlook, hasBatches: true) == (.deferred, .ledger))
    }
  }

  // MARK: Custom ids

  @Test func aCustomIDReadsBack() {
    let label = BatchLabel.make(0xabc)
    #expect(label == "mr-0000000000000abc")
    let text = CustomID.make(label: label, request: RequestID(.max), attempt: 12)
    #expect(text.utf8.count <= 64)
    let read = CustomID.parse(text, label: label)
    #expect(read?.request == RequestID(.max) && read?.attempt == 12 && read?.members == 1)
    let shared = CustomID.make(label: label, request: RequestID(.max), attempt: 12, members: 2048)
    #expect(shared.utf8.count <= 64)
    #expect(CustomID.parse(shared, label: label)?.members == 2048)
  }

  @Test(arguments: [
    "", "_1_1", "L_1", "L_1_1_1", "L_1_", "L__1", "L_+1_1", "L_01_1", "L_1_+1", "L_1_01", "L_x_1", "L_1_1 ", " L_1_1",
    "LL_1_1", "L1_1", "M_1_1", "L_99999999999999999999_1", "L_1_99999999999999999999", "L-1-1", "L_1_1\0",
    "L_1_1_0", "L_1_1_-2", "L_1_1_02", "L_1_1_2_2", "L_1_1_",
  ])
  func anythingElseIsNoCustomID(text: String) {
    #expect(CustomID.parse(text, label: "L") == nil)
  }

  @Test func labelsHaveOneLength() {
    for random in [0, 1, .max, 0x1234] as [UInt64] { #expect(BatchLabel.make(random).utf8.count == 19) }
  }

  // MARK: Polls

  @Test func pollsSlowDownWithAgeAndWithFailures() {
    var poll = BatchPoll(interval: .seconds(5), since: Self.now)
    #expect(poll.delay(at: Self.now) == .seconds(5))
    #expect(poll.delay(at: Self.now + .seconds(300)) == .seconds(30))
    #expect(poll.delay(at: Self.now + .seconds(86_400)) == .seconds(60))
    let error = ProviderError(.unavailable(retryAfter: .seconds(90)), isAmbiguous: false, message: "")
    _ = poll.failed(error, at: Self.now)
    // The pause itself is kept for all batches of the account.
    #expect(poll.delay(at: Self.now) == .seconds(10))
    poll.answered()
    #expect(poll.delay(at: Self.now) == .seconds(5))
  }

  @Test func aProviderCannotPutPollsOffForEver() {
    var poll = BatchPoll(interval: .seconds(5), since: Self.now)
    let error = ProviderError(.rateLimited(retryAfter: .seconds(1 << 40)), isAmbiguous: false, message: "")
    for _ in 0..<100 { _ = poll.failed(error, at: Self.now) }
    #expect(poll.delay(at: Self.now) == .seconds(60))
  }

  @Test func aBatchIsLostAfterFiveTriesOverAnHour() {
    let missing = ProviderError(.notFound, isAmbiguous: false, message: "")
    let outage = ProviderError(.unavailable(retryAfter: nil), isAmbiguous: false, message: "")
    func isLost(_ failures: [(ProviderError?, hours: Int)]) -> [Bool] {
      var poll = BatchPoll(interval: .seconds(5), since: Self.now)
      return failures.map { error, hours in
        guard let error else {
          poll.answered()
          return false
        }
        return poll.failed(error, at: Self.now + .seconds(3600 * hours))
      }
    }
    let never = Array(repeating: false, count: 10)
    #expect(isLost(Array(repeating: (missing, 0), count: 10) + [(outage, 2), (missing, 1)]) == never + [false, true])
    #expect(isLost((0..<5).map { (missing, $0) }) == [false, false, false, false, true])
    #expect(isLost(Array(repeating: (missing, 0), count: 8) + [(nil, 1), (missing, 2)]) == never)
  }

  // MARK: Verdicts

  private static let policy = AttemptPolicy(
    maximumAttempts: 5, backoffBase: .seconds(2), maximumRetryAfter: .seconds(3600))

  private func verdict(_ disposition: Disposition, response: Bool = true) -> AttemptOutcome.Verdict {
    let answer = ProviderResponse(statusCode: 200, requestID: nil, body: [])
    let result = BatchResult(
      customID: "", disposition: disposition, response: response ? answer : nil, usage: nil, message: "why")
    return Self.policy.verdict(on: result, attempt: 1, at: Self.now, random: 0)
  }

  @Test func aRowsVerdictFollowsFromItsDisposition() {
    func limit(_ code: FailureCode) -> AttemptOutcome.Limit {
      AttemptOutcome.Limit(maximumAttempts: 5, failure: Failure(code, "why"))
    }
    #expect(verdict(.succeeded) == .finish(nil))
    #expect(verdict(.rejected) == .finish(Failure(.providerRejected, "why")))
    #expect(verdict(.retryable(retryAfter: nil)) == .requeue(notBefore: Self.now, limit(.providerUnavailable)))
    #expect(
      verdict(.rateLimited(retryAfter: .seconds(60)))
        == .requeue(notBefore: Self.now + .seconds(60), limit(.providerUnavailable)))
    #expect(verdict(.notExecuted(.expired)) == .requeue(notBefore: Self.now, limit(.batchExpired)))
    #expect(verdict(.notExecuted(.cancelled)) == .requeue(notBefore: Self.now, limit(.providerUnavailable)))
    #expect(verdict(.accountClosed(.billing)) == .requeue(notBefore: Self.now + .seconds(30), nil))
  }

  /// The ledger refuses a success without an answer, again and again.
  @Test func aSuccessWithoutAnAnswerIsAFailure() {
    guard case .finish(let failure?) = verdict(.succeeded, response: false) else {
      Issue.record("it counts as a success")
      return
    }
    #expect(failure.code == .resultMissing)
  }

  @Test func delaysStayWithinTheirBounds() {
    for random in [0, 1 << 63, .max] as [UInt64] {
      for attempt in [1, 2, 10, 100] {
        let delay = Self.policy.delay(attempt: attempt, retryAfter: nil, random: random)
        #expect(delay >= .zero && delay <= .seconds(3600))
      }
      let asked = Self.policy.delay(attempt: 1, retryAfter: .seconds(10), random: random)
      #expect(asked >= .seconds(10) && asked <= .seconds(11))
      let absurd = Self.policy.delay(attempt: 1, retryAfter: .seconds(1 << 40), random: random)
      #expect(absurd <= .seconds(3960))
    }
  }
}
