import BatchCore
import Ledger
import Wire

extension LedgerConformance {
  static var marks: [Case] {
    let same = TestDelivery("a") { $0.kind = .fingerprint }
    let again = same.with {
      $0.redelivered = true
      $0.generation = 2
    }
    return [
      `case`("a row whose mark is ended absorbs no redelivery") { ledger in
        let first = try await ledger.admit(same)
        let marks = try await ledger.store.marks(of: .deferred, limit: 10)
        try requireEqual(marks, [AckMark(id: first.id, generation: 1)])
        try await ledger.store.removeMarks(marks + [AckMark(id: RequestID(999), generation: 1)])
        try requireEqual(try await ledger.store.marks(of: .deferred, limit: 10), [])
        let second = try await ledger.admit(again)
        try requireEqual(second.kind, .new(attempt: 1))
        try require(second.id != first.id)
      },
      `case`("a mark that a redelivery has renewed does not end with the earlier one") { ledger in
        let first = try await ledger.admit(same)
        let marks = try await ledger.store.marks(of: .deferred, limit: 10)
        try requireEqual(try await ledger.admit(again).id, first.id)
        try await ledger.store.removeMarks(marks)
        try requireEqual(
          try await ledger.store.marks(of: .deferred, limit: 10), [AckMark(id: first.id, generation: 2)])
        try requireEqual(try await ledger.admit(again.with { $0.generation = 3 }).kind, .inFlight)
      },
      `case`("a mark belongs to the queue that its message came from") { ledger in
        let deferred = try await ledger.admit(same)
        // Sent at once though it came from the deferred queue, and the other way round.
        let fast = try await ledger.admit(
          TestDelivery("b") {
            $0.kind = .fingerprint
            $0.lane = .interactive
            $0.queue = .deferred
          })
        let slow = try await ledger.admit(
          TestDelivery("c") {
            $0.kind = .fingerprint
            $0.queue = .interactive
          })
        _ = try await ledger.admit(TestDelivery("named") { $0.kind = .messageID })
        try requireEqual(
          Set(try await ledger.store.marks(of: .deferred, limit: 10).map(\.id)), [deferred.id, fast.id])
        try requireEqual(try await ledger.store.marks(of: .interactive, limit: 10).map(\.id), [slow.id])
        try requireEqual(try await ledger.store.marks(of: .deferred, limit: 1).count, 1)
      },
      `case`("what is held until its reply is confirmed keeps its mark") { ledger in
        let held = try await ledger.admit(TestDelivery.interactive("a") { $0.kind = .fingerprint })
        try requireEqual(try await ledger.store.marks(of: .interactive, limit: 10), [])
        try requireEqual(try await ledger.record(TestLedger.success(held.id)), .finished)
        try requireEqual(try await ledger.store.marks(of: .interactive, limit: 10), [])
        try requireEqual(try await ledger.deliver().count, 1)
        try requireEqual(
          try await ledger.store.marks(of: .interactive, limit: 10), [AckMark(id: held.id, generation: 1)])
        // Asked for again it is held again.
        let repeated = TestDelivery.interactive("a") {
          $0.kind = .fingerprint
          $0.redelivered = true
          $0.generation = 2
        }
        try requireEqual(try await ledger.admit(repeated).kind, .answered)
        try requireEqual(try await ledger.store.marks(of: .interactive, limit: 10), [])
        // The ledger's custody is another's message that need not be held.
        let parked = try await ledger.admit(TestDelivery.interactive("b") { $0.kind = .fingerprint })
        try await ledger.store.park([(parked.id, TestDelivery.interactive("b").requestBody, ledger.now)])
        try requireEqual(try await ledger.store.marks(of: .interactive, limit: 10).map(\.id), [parked.id])
      },
    ]
  }
}
