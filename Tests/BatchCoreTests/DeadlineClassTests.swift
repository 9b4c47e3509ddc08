import BatchCore
import Testing

@Suite(.timeLimit(.minutes(4)))
struct DeadlineClassTests {
  @Test func noDeadlineIsZero() {
    #expect(DeadlineClass.of(deadline: nil, now: Timestamp(milliseconds: 5)) == 0)
  }

  @Test(arguments: [
    (Int64.min, UInt8(1)), (-1, 1), (0, 1), (900_000, 1), (900_001, 2), (1_800_000, 2), (1_800_001, 3),
    (3_600_000, 3), (7_200_000, 4), (14_400_000, 5), (14_400_001, 6), (57_600_000, 7), (115_200_000, 8),
    (115_200_001, 9), (.max, 9),
  ])
  func classes(distance: Int64, expected: UInt8) {
    #expect(DeadlineClass.of(deadline: Timestamp(milliseconds: distance), now: Timestamp(milliseconds: 0)) == expected)
  }

  @Test func survivesTheEndsOfTime() {
    #expect(DeadlineClass.of(deadline: Timestamp(milliseconds: .max), now: Timestamp(milliseconds: .min)) == 9)
    #expect(DeadlineClass.of(deadline: Timestamp(milliseconds: .min), now: Timestamp(milliseconds: .max)) == 1)
  }
}
