import BatchCore
import Testing

@Suite(.timeLimit(.minutes(4)))
struct RescueChoiceTests {
  private func choice(_ change: (inout RescueChoice) -> Void = { _ in }) -> RescueChoice {
    var choice = RescueChoice(
      endangered: RescueChoice.Price(list: 100, batch: 50), tight: RescueChoice.Price(list: 0, batch: 0),
      whole: RescueChoice.Price(list: 100, batch: 50), done: 0, isCancellable: true, keepsResults: true,
      budget: PicoUSD(1000))
    change(&choice)
    return choice
  }

  @Test func aBatchOfNothingButEndangeredRowsIsCancelled() {
    #expect(choice().way == .cancel)
  }

  /// A few urgent rows do not cancel many that would then be sent at the list price too.
  @Test func aFewUrgentRowsAreSentTwice() {
    #expect(choice { $0.tight = RescueChoice.Price(list: 100_000, batch: 50_000) }.way == .sendTwice)
    // What has run need not be sent again.
    let nearlyDone = choice {
      $0.tight = RescueChoice.Price(list: 100_000, batch: 50_000)
      $0.done = 0.999
    }
    #expect(nearlyDone.way == .cancel)
  }

  @Test func theBudgetForbidsIt() {
    let urgent = choice {
      $0.tight = RescueChoice.Price(list: 100_000, batch: 50_000)
      $0.budget = PicoUSD(99)
    }
    #expect(urgent.way == .cancel)
    let stuck = choice {
      $0.isCancellable = false
      $0.budget = PicoUSD(0)
    }
    #expect(stuck.way == nil)
  }

  /// As many as the budget allows: better than none.
  @Test func withoutACancelTheBudgetGoesAsFarAsItGoes() {
    let stuck = choice {
      $0.isCancellable = false
      $0.budget = PicoUSD(10)
    }
    #expect(stuck.way == .sendTwice)
  }

  @Test func resultsThatACancelThrowsAwayAreCounted() {
    let lossy = choice {
      $0.whole = RescueChoice.Price(list: 100_000, batch: 50_000)
      $0.done = 0.9
      $0.keepsResults = false
    }
    #expect(lossy.way == .sendTwice)
  }

  @Test func withoutAPriceNothingIsPaidTwice() {
    #expect(choice { $0.endangered = nil }.way == .cancel)
    let stuck = choice {
      $0.endangered = nil
      $0.isCancellable = false
    }
    #expect(stuck.way == nil)
  }

  @Test(arguments: 0..<500 as Range<UInt64>)
  func neverTwiceBeyondTheBudgetWhereACancelIsPossible(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    func price() -> RescueChoice.Price {
      let list = Int64.random(in: 0...1_000_000, using: &random)
      return RescueChoice.Price(list: list, batch: list / 2)
    }
    let made = RescueChoice(
      endangered: price(), tight: price(), whole: price(), done: Double.random(in: -1...2, using: &random),
      isCancellable: true, keepsResults: Bool.random(using: &random),
      budget: PicoUSD(Int64.random(in: 0...1_000_000, using: &random)))
    #expect(made.way != nil)
    if made.way == .sendTwice { #expect((made.endangered?.list ?? .max) <= made.budget.value) }
    var poor = made
    poor.budget = PicoUSD(0)
    if made.endangered != RescueChoice.Price(list: 0, batch: 0) { #expect(poor.way == .cancel) }
  }
}
