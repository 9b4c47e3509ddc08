import BatchCore
import Ledger

extension LedgerConformance {
  static var resolutions: [Case] {
    [
      `case`("what an operator decides about an unknown batch is kept until the batch goes on") { ledger in
        let row = try await ledger.admit(TestDelivery("a"))
        let batch = try await ledger.batch(row.id)
        func resolve(_ resolution: BatchResolution) async throws -> Bool {
          try await ledger.store.resolve(label: batch.label, as: resolution, at: ledger.now)
        }
        func resolution() async throws -> BatchResolution? { try await ledger.store.resolution(of: batch.id) }
        // Nothing was sent: there is nothing to decide.
        try require(!(try await resolve(.resubmit)))
        try await ledger.store.markCreating(batch.id, inputFileID: "f", at: ledger.now)
        try requireEqual(try await resolution(), nil)
        try require(!(try await ledger.store.resolve(label: "another", as: .giveUp, at: ledger.now)))
        for decision in [BatchResolution.giveUp, .adopt("batch-1"), .resubmit, .adopt("batch_ü")] {
          try require(try await resolve(decision))
          try requireEqual(try await resolution(), decision)
        }
        try await ledger.reopen()
        try requireEqual(try await resolution(), .adopt("batch_ü"))
        try await ledger.store.markSubmitted(batch.id, providerBatchID: "batch_ü", at: ledger.now)
        try requireEqual(try await resolution(), nil)
      },
      `case`("a resubmitted batch forgets the decision") { ledger in
        let row = try await ledger.admit(TestDelivery("a"))
        let batch = try await ledger.batch(row.id)
        try await ledger.store.markCreating(batch.id, inputFileID: "f", at: ledger.now)
        try require(try await ledger.store.resolve(label: batch.label, as: .resubmit, at: ledger.now))
        try await ledger.store.markPlanned(batch.id)
        try requireEqual(try await ledger.store.resolution(of: batch.id), nil)
        try requireEqual(try await ledger.store.openBatches().first?.inputFileID, nil)
      },
      `case`("a submitted batch may be given up or sent again, not adopted; one that ended is out of reach") { ledger in
        let row = try await ledger.admit(TestDelivery("a"))
        let batch = try await ledger.batch(row.id)
        try await ledger.store.markCreating(batch.id, inputFileID: "f", at: ledger.now)
        try await ledger.store.markSubmitted(batch.id, providerBatchID: "p", at: ledger.now)
        try require(!(try await ledger.store.resolve(label: batch.label, as: .adopt("q"), at: ledger.now)))
        try require(try await ledger.store.resolve(label: batch.label, as: .giveUp, at: ledger.now))
        try requireEqual(try await ledger.store.resolution(of: batch.id), .giveUp)
        try await ledger.store.abandon(batch.id, notBefore: ledger.now, limit: nil, at: ledger.now)
        try require(!(try await ledger.store.resolve(label: batch.label, as: .giveUp, at: ledger.now)))
      },
    ]
  }
}
