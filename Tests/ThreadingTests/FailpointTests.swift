import Testing

@testable import Threading

#if FAILPOINTS
  @Suite struct FailpointTests {
    @Test func orders() throws {
      let orders = try FailpointOrder.parse("ledger.commit.before=kill@3;provider.create.after=stop")
      #expect(orders.map(\.point) == [.commit, .create])
      #expect(orders.map(\.side) == [.before, .after])
      #expect(orders.map(\.action) == [.kill, .stop])
      #expect(orders.map(\.hit) == [3, 1])
      #expect(try FailpointOrder.parse("").isEmpty)
    }

    @Test(arguments: [
      "ledger.commit=kill", "ledger.comit.before=kill", "ledger.commit.during=kill", "ledger.commit.before",
      "ledger.commit.before=", "ledger.commit.before=boom", "ledger.commit.before=kill@", "ledger.commit.before=kill@0",
      "ledger.commit.before=kill@-1", "ledger.commit.before=kill@1@2", "ledger.commit.before=kill=1", "=", ".", "@",
      "ledger.commit.before=kill, broker.ack.after=kill",
    ])
    func malformed(_ text: String) {
      let problem = #expect(throws: FailpointProblem.self) { try FailpointOrder.parse(text) }
      #expect(problem?.message.hasPrefix("MILLRACE_FAILPOINTS: ") == true)
      #expect(problem?.message.contains("\n") == false)
    }

    @Test func everyNameCanBeArmed() throws {
      for name in Failpoints.names { #expect(try FailpointOrder.parse("\(name)=kill").count == 1) }
      #expect(Failpoints.names.count == Failpoint.allCases.count * 2)
    }
  }
#endif
