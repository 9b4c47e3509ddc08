import BatchCore
import Testing

@Suite(.timeLimit(.minutes(4)))
struct NamedLimitTests {
  @Test(arguments: [
    (
      "Enqueued token limit reached for gpt-4o in organization org-x. Limit: 90,000 enqueued tokens. Please try again "
        + "once some in_progress batches have been completed.", Int64(90_000)
    ),
    ("Limit: 2,000,000 enqueued tokens", 2_000_000), ("limit of 50000 requests", 50_000), ("LIMIT=7", 7),
    ("the maximum is 200.000.000 bytes", 200_000_000), ("at most 1_000'000 lines", 1_000_000), ("Limit: 12, or so", 12),
    ("Limit: 1,5 million", 1), ("Limit: 3,0000", 3), ("Limit: 90.", 90),
  ])
  func readsTheNumberAfterTheWord(message: String, limit: Int64) {
    #expect(NamedLimit.parse(message) == limit)
  }

  @Test(arguments: [
    "", "limit", "Enqueued token limit reached for gpt-4o in organization org-4.", "no more than 5", "Limit: many",
    "Limit: 99999999999999999999", "limit is", "limit -5",
  ])
  func takesNothingElseForOne(message: String) {
    #expect(NamedLimit.parse(message) == nil)
  }
}
