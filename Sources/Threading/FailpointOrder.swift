#if FAILPOINTS
  /// What a failpoint does, and when: `ledger.commit.before=kill@3`.
  struct FailpointOrder: Hashable, Sendable {
    enum Action: String, CaseIterable, Sendable {
      /// SIGKILL to this process: nothing is flushed, nothing is closed.
      case kill
      /// SIGSTOP to this process: it stands still until somebody sends SIGCONT.
      case stop
    }

    var point: Failpoint
    var side: Failpoint.Side
    var action: Action
    /// From 1.
    var hit: Int

    /// Reads orders that are separated by semicolons.
    static func parse(_ text: String) throws(FailpointProblem) -> [FailpointOrder] {
      var orders: [FailpointOrder] = []
      for part in text.split(separator: ";") { orders.append(try FailpointOrder(String(part))) }
      return orders
    }

    private init(_ text: String) throws(FailpointProblem) {
      let sides = text.split(separator: "=", omittingEmptySubsequences: false)
      guard sides.count == 2, let dot = sides[0].lastIndex(of: "."),
        let point = Failpoint(rawValue: String(sides[0][..<dot])),
        let side = Failpoint.Side(rawValue: String(sides[0][sides[0].index(after: dot)...]))
      else {
        throw FailpointProblem(text, "wanted is NAME=ACTION@HIT, and 'millrace failpoints' lists the names")
      }
      let words = sides[1].split(separator: "@", omittingEmptySubsequences: false)
      guard let action = Action(rawValue: String(words[0])) else {
        throw FailpointProblem(text, "an action is \(Action.allCases.map(\.rawValue).joined(separator: " or "))")
      }
      guard words.count <= 2, let hit = words.count == 1 ? 1 : Int(words[1]), hit >= 1 else {
        throw FailpointProblem(text, "a hit is a whole number from 1")
      }
      self.point = point
      self.side = side
      self.action = action
      self.hit = hit
    }
  }
#endif
