import BatchCore
import Testing

@Suite("Budgets")
struct BudgetTests {
  private func at(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: seconds * 1000) }

  @Test(
    "months begin and end in UTC",
    arguments: [
      (1_700_000_000, 1_698_796_800, 1_701_388_800),  // November 2023
      (1_709_164_800, 1_706_745_600, 1_709_251_200),  // 29 February 2024
      (1_709_251_199, 1_706_745_600, 1_709_251_200), (1_709_251_200, 1_709_251_200, 1_711_929_600),
      (1_704_067_199, 1_701_388_800, 1_704_067_200),  // the last second of 2023
      (951_782_400, 949_363_200, 951_868_800),  // 29 February 2000
      (0, 0, 2_678_400), (-1, -2_678_400, 0),
    ] as [(Int64, Int64, Int64)])
  func month(now: Int64, start: Int64, end: Int64) {
    #expect(BudgetInterval.month.period(at: at(now)) == BudgetPeriod(start: at(start), end: at(end)))
  }

  @Test func days() {
    #expect(BudgetInterval.day.period(at: at(86_399)) == BudgetPeriod(start: at(0), end: at(86_400)))
    #expect(BudgetInterval.day.period(at: at(-1)) == BudgetPeriod(start: at(-86_400), end: at(0)))
    for time in [Int64.min, .max] {
      _ = BudgetInterval.day.period(at: Timestamp(milliseconds: time))
      _ = BudgetInterval.month.period(at: Timestamp(milliseconds: time))
    }
  }

  @Test("a rule is about requests whose tags all fit")
  func keys() {
    let rule = BudgetRule(
      name: "r", matches: [.tenant: .each, .model: .value("m")], limit: PicoUSD(1), interval: .day, holds: false)
    func key(_ tags: [BudgetRule.Tag: String]) -> String? { rule.key { tags[$0] } }
    #expect(key([.tenant: "a", .model: "m"]) == "r\u{1F}a")
    #expect(key([.tenant: "a", .model: "n"]) == nil)
    #expect(key([.model: "m"]) == nil)
    // A store need not keep what separates, or a zero: such names have no budget of their own.
    #expect(key([.tenant: "a\0\u{1F}", .model: "m"]) == "r\u{1F}a")
    #expect(BudgetRule.name(ofKey: "r\u{1F}a") == "r")
    #expect(BudgetRule.text(ofKey: "r\u{1F}a") == "r of a")
    #expect(BudgetRule.text(ofKey: "r") == "r")
  }

  @Test("a balance neither overflows nor lets a limit be passed")
  func balance() {
    let balance = BudgetBalance(spent: 70, reserved: 9)
    #expect(balance.fits(21, limit: PicoUSD(100)))
    #expect(!balance.fits(22, limit: PicoUSD(100)))
    #expect(!balance.isNearing(PicoUSD(100)))
    #expect(BudgetBalance(spent: 70, reserved: 10).isNearing(PicoUSD(100)))
    #expect(!BudgetBalance(spent: .max, reserved: .max).fits(1, limit: PicoUSD(.max - 1)))
    #expect(BudgetBalance(spent: -5, reserved: 0).committed == 0)
  }
}
