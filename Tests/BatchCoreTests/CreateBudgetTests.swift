import BatchCore
import Testing

private func at(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: seconds * 1000) }

@Suite(.timeLimit(.minutes(4)))
struct CreateBudgetTests {
  private let window = WindowLimits(
    idle: .seconds(30), maximumAge: .seconds(300), maximumRequests: 10, maximumTokens: 10, maximumBytes: 10)

  @Test func windowsStayAsTheyAreBelowFourFifths() {
    for creates in 0...80 {
      #expect(CreateBudget.stretched(window, creates: creates, limit: 100, windows: 1) == window)
    }
    #expect(CreateBudget.stretched(window, creates: 1000, limit: nil, windows: 1) == window)
    #expect(CreateBudget.stretched(window, creates: 0, limit: 0, windows: 1) == window)
  }

  @Test func atTheLimitTheCreatesThatAreLeftLast() {
    let full = CreateBudget.stretched(window, creates: 100, limit: 100, windows: 1)
    #expect(full.maximumAge == .seconds(3600))
    #expect(full.idle == .seconds(3600))
    // Ten creates left, and ten windows that take one each.
    #expect(CreateBudget.stretched(window, creates: 990, limit: 1000, windows: 10).maximumAge > .seconds(3300))
    // Many left: they last anyway.
    #expect(
      CreateBudget.stretched(window, creates: 1900, limit: 2000, windows: 1)
        == {
          var stretched = window
          stretched.idle = .milliseconds(34_500)
          return stretched
        }())
  }

  @Test func moreUseNeverMakesThemShorter() {
    for windows in [1, 3, 50] {
      var before = window
      for creates in 0...120 {
        let now = CreateBudget.stretched(window, creates: creates, limit: 100, windows: windows)
        #expect(now.idle >= before.idle && now.maximumAge >= before.maximumAge && now.maximumAge >= now.idle)
        #expect(now.maximumAge <= .seconds(3600))
        #expect(now.maximumRequests == window.maximumRequests)
        before = now
      }
    }
  }

  @Test func aRefusedCreateTellsTheLimitOfTheHour() {
    #expect(CreateLesson(refusedAfter: 100, pause: .seconds(59), now: at(0)) == nil)
    #expect(CreateLesson(refusedAfter: 499, pause: nil, now: at(0)) == nil)
    // A pause after a few creates is a pause, however long, and no limit of the hour.
    for creates in 0..<50 { #expect(CreateLesson(refusedAfter: creates, pause: .seconds(3600), now: at(0)) == nil) }
    #expect(CreateLesson(refusedAfter: 500, pause: nil, now: at(0))?.creates == 500)
    let lesson = CreateLesson(refusedAfter: 50, pause: .seconds(60), now: at(0))
    #expect(CreateBudget.limit(BatchLimits(), lesson, now: at(3599)) == 50)
    #expect(CreateBudget.limit(BatchLimits(), lesson, now: at(3600)) == 55)
    // Also a small one, as it may be kept from before, is not for ever.
    #expect(CreateBudget.limit(BatchLimits(), CreateLesson(creates: 4, at: at(0)), now: at(7200)) == 6)
    #expect(CreateBudget.limit(BatchLimits(createsPerHour: 10), lesson, now: at(3600)) == 10)
    #expect(CreateBudget.limit(BatchLimits(), lesson, now: at(86_400)) == nil)
  }

  /// No hour has more creates than the limit, and none is put off that would fit.
  @Test(arguments: 0..<20 as Range<UInt64>)
  func neverMoreThanTheLimitAndNeverPutOffWithoutNeed(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let limit = Int.random(in: 1...12, using: &generator)
    let limits = BatchLimits(createsPerHour: limit)
    var creates: [Int64] = []
    var now = Int64(0)
    for _ in 0..<300 {
      now += Int64.random(in: 0...900, using: &generator)
      let recent = creates.filter { $0 > now - 3600 }
      let usage = BatchUsage(creates: recent.count, firstCreate: recent.first.map(at))
      switch BatchAdmission.decide(
        tokens: 1, rows: 1, limits, BatchLessons(), creates: nil, usage, now: at(now))
      {
      case .granted: creates.append(now)
      case .wait(.createsPerHour, let until):
        #expect(recent.count >= limit)
        #expect(recent.first.map { at($0 + 3600) } == until)
      case .wait, .tooLarge: Issue.record("nothing else is in the way")
      }
    }
    for create in creates { #expect(creates.count { $0 > create - 3600 && $0 <= create } <= limit) }
  }
}
