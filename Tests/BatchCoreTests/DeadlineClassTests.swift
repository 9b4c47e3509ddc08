import BatchCore
import Testing

@Suite(.timeLimit(.minutes(1)))
struct DeadlineClassTests {
  @Test func noDeadlineIsZero() {
    #expect(DeadlineClass.of(deadline: nil, now: Timestamp(milliseconds: 5)) == 0)
  }

  @Test(arguments: [
    (Int64.min, UInt8(1)), (-1, 1), (0, 1), (900_000, 1), (900_001, 2), (3_600_000, 2), (3_600_001, 3),
    (14_400_000, 3), (14_400_001, 4), (43_200_000, 4), (43_200_001, 5), (86_400_000, 5), (86_400_001, 6), (.max, 6),
  ])
  func classes(distance: Int64, expected: UInt8) {
    #expect(DeadlineClass.of(deadline: Timestamp(milliseconds: distance), now: Timestamp(milliseconds: 0)) == expected)
  }

  @Test func survivesTheEndsOfTime() {
    #expect(DeadlineClass.of(deadline: Timestamp(milliseconds: .max), now: Timestamp(milliseconds: .min)) == 6)
    #expect(DeadlineClass.of(deadline: Timestamp(milliseconds: .min), now: Timestamp(milliseconds: .max)) == 1)
  }
}
