import BatchCore
import Ledger

extension LedgerConformance {
  static var places: [Case] {
    [
      `case`("places fill the cap and no more, and are free when their batches end") { ledger in
        // Ten tokens each.
        let (first, second, third) = (
          try await newBatch(ledger, "a"), try await newBatch(ledger, "b"), try await newBatch(ledger, "c")
        )
        let limits = BatchLimits(enqueuedTokens: 25)
        try requireEqual(try await take(first, limits, ledger).admission, .granted(tokens: 10))
        let place = try await take(second, limits, ledger)
        try requireEqual(place.admission, .granted(tokens: 10))
        try requireEqual(place.standing.usage.enqueuedTokens, 20)
        try requireEqual(try await take(third, limits, ledger).admission, wait(.enqueuedTokens, ledger))
        // Asking again changes nothing, also after a restart, and an unknown batch keeps its place.
        try requireEqual(try await take(first, limits, ledger).admission, .granted(tokens: 10))
        try await ledger.store.markCreating(second.id, inputFileID: "f", at: ledger.now)
        try await ledger.reopen()
        try requireEqual(try await take(first, limits, ledger).admission, .granted(tokens: 10))
        try requireEqual(try await take(third, limits, ledger).admission, wait(.enqueuedTokens, ledger))
        try await ledger.store.abandon(first.id, notBefore: ledger.now, limit: nil, at: ledger.now)
        try requireEqual(try await take(third, limits, ledger).admission, .granted(tokens: 10))
        // One that is over counts no more, before its results are home.
        _ = try await ledger.store.learn(.ran, from: second, random: 0, at: ledger.now)
        let fourth = try await newBatch(ledger, "d")
        try requireEqual(try await take(fourth, limits, ledger).admission, .granted(tokens: 10))
        try await requireError(.invalid) { _ = try await take(second, limits, ledger) }
      },
      `case`("whoever was planned first and asks goes first; whoever asks no more is in nobody's way") { ledger in
        let (first, second, third) = (
          try await newBatch(ledger, "a"), try await newBatch(ledger, "b"), try await newBatch(ledger, "c")
        )
        let limits = BatchLimits(enqueuedTokens: 10)
        try requireEqual(try await take(first, limits, ledger).admission, .granted(tokens: 10))
        try requireEqual(try await take(second, limits, ledger).admission, wait(.enqueuedTokens, ledger))
        try await ledger.store.abandon(first.id, notBefore: ledger.now, limit: nil, at: ledger.now)
        try requireEqual(try await take(third, limits, ledger).admission, wait(.turn, ledger))
        ledger.advance(by: .seconds(121))
        try requireEqual(try await take(third, limits, ledger).admission, .granted(tokens: 10))
      },
      `case`("creates of the past hour are counted, those that have their place too") { ledger in
        let (first, second, third) = (
          try await newBatch(ledger, "a"), try await newBatch(ledger, "b"), try await newBatch(ledger, "c")
        )
        let limits = BatchLimits(createsPerHour: 2)
        let began = ledger.now
        _ = try await take(first, limits, ledger)
        try await ledger.store.markCreating(first.id, inputFileID: "f", at: began)
        ledger.advance(by: .seconds(60))
        _ = try await take(second, limits, ledger)
        let place = try await take(third, limits, ledger)
        try requireEqual(place.admission, .wait(.createsPerHour, until: began + .seconds(3600)))
        try requireEqual(place.standing.usage.creates, 2)
        // A create that did not happen gives its place back with its batch.
        try await ledger.store.markCreating(second.id, inputFileID: "g", at: ledger.now)
        try await ledger.store.markPlanned(second.id)
        try requireEqual(try await take(third, limits, ledger).standing.usage.creates, 2)
        try await ledger.store.abandon(second.id, notBefore: ledger.now, limit: nil, at: ledger.now)
        try requireEqual(try await take(third, limits, ledger).admission, .granted(tokens: 10))
        try requireEqual(try await ledger.store.standings(at: ledger.now).first?.usage.creates, 2)
        ledger.advance(by: .seconds(3541))
        try requireEqual(try await ledger.store.standings(at: ledger.now).first?.usage.creates, 1)
      },
      `case`("places of batches count by what is known now, and are lost by what would be refused") { ledger in
        let (first, second, third) = (
          try await newBatch(ledger, "a"), try await newBatch(ledger, "b"), try await newBatch(ledger, "c")
        )
        for batch in [first, second, third] {
          try requireEqual(try await take(batch, BatchLimits(), ledger).admission, .granted(tokens: 10))
        }
        try await ledger.store.markCreating(first.id, inputFileID: "f", at: ledger.now)
        // A cap is named, and each token counts for two from now on.
        let refused = try await ledger.store.learn(.refusedTokens(named: 25), from: third, random: 0, at: ledger.now)
        try requireEqual(refused.usage.enqueuedTokens, 40)
        try await ledger.store.abandon(third.id, notBefore: ledger.now, limit: nil, at: ledger.now)
        ledger.advance(by: .seconds(10))
        let place = try await take(second, BatchLimits(), ledger)
        try requireEqual(place.admission, wait(.enqueuedTokens, ledger))
        try requireEqual(place.standing.usage.enqueuedTokens, 20)
        // Nobody but those that are at the provider takes anything of the cap.
        let standing = try await ledger.store.standings(at: ledger.now).first { !$0.model.isEmpty }
        try requireEqual(standing?.usage.enqueuedTokens, 20)
        let ran = try await ledger.store.learn(.ran, from: first, random: 0, at: ledger.now)
        try requireEqual(ran.usage.enqueuedTokens, 0)
        try requireEqual(try await take(second, BatchLimits(), ledger).admission, .granted(tokens: 20))
        try requireEqual(
          try await ledger.store.learn(
            .measured(reported: 1200, estimated: 1000), from: first, random: 0, at: ledger.now
          )
          .usage.enqueuedTokens, 13)
      },
      `case`("what was assumed a day ago is forgotten once") { ledger in
        let batch = try await newBatch(ledger, "a")
        _ = try await take(batch, BatchLimits(), ledger)
        func learn(_ lesson: BatchLesson) async throws -> BatchLessons {
          try await ledger.store.learn(lesson, from: batch, random: 0, at: ledger.now).lessons
        }
        // Below what is named: both are in doubt, the cap and what a token counts for.
        let refused = try await learn(.refusedTokens(named: 1000))
        try requireEqual(refused.scaled(10), 80)
        let bound = try unwrap(refused.bound)
        ledger.advance(by: .seconds(86_400))
        let first = try await learn(.refusedRows(named: nil))
        try requireEqual(first.scaled(10), 10)
        try requireEqual(first.bound, bound / 8)
        // Nor is it forgotten again and again.
        for _ in 0..<3 { try requireEqual(try await learn(.refusedRows(named: nil)).bound, first.bound) }
        try await ledger.reopen()
        try requireEqual(
          try await ledger.store.standings(at: ledger.now).first { !$0.model.isEmpty }?.lessons.bound, first.bound)
      },
      `case`("a batch of unknown fate is built around") { ledger in
        let (stuck, next) = (try await newBatch(ledger, "a"), try await newBatch(ledger, "b"))
        let limits = BatchLimits(enqueuedTokens: 12)
        try requireEqual(try await take(stuck, limits, ledger).admission, .granted(tokens: 10))
        try await ledger.store.markCreating(stuck.id, inputFileID: "f", at: ledger.now)
        try requireEqual(try await take(next, limits, ledger).admission, wait(.enqueuedTokens, ledger))
        ledger.advance(by: .seconds(3600))
        let place = try await take(next, limits, ledger)
        try requireEqual(place.admission, .granted(tokens: 10))
        try requireEqual(place.standing.usage.stuckTokens, 10)
      },
      `case`("what batches taught is kept") { ledger in
        let batch = try await newBatch(ledger, "a")
        _ = try await take(batch, BatchLimits(), ledger)
        func learn(_ lesson: BatchLesson) async throws -> BatchStanding {
          try await ledger.store.learn(lesson, from: batch, random: 0, at: ledger.now)
        }
        try requireEqual(try await learn(.refusedTokens(named: 5)).lessons.namedCap, 5)
        let measured = try await learn(.measured(reported: 3000, estimated: 2000)).lessons
        try requireEqual(measured.expected(10), 15)
        try requireEqual(measured.scaled(10), 16)
        try requireEqual(try await learn(.refusedRows(named: nil)).lessons.largestRows, 1)
        try requireEqual(try await learn(.refusedBytes(1000, named: 700)).lessons.largestBytes, 700)
        // Fifty places of others, all of the same hour.
        var others: [BatchRecord] = []
        for number in 0..<50 {
          let other = try await newBatch(ledger, "other \(number)")
          try await ledger.store.markCreating(other.id, inputFileID: "f", at: ledger.now)
          others.append(other)
        }
        try requireEqual(try await learn(.refusedCreate(pause: .seconds(1))).creates, nil)
        try requireEqual(
          try await learn(.refusedCreate(pause: .seconds(60))).creates, CreateLesson(creates: 50, at: ledger.now))
        try await ledger.store.abandon(batch.id, notBefore: ledger.now, limit: nil, at: ledger.now)
        for other in others {
          try await ledger.store.abandon(other.id, notBefore: ledger.now, limit: nil, at: ledger.now)
        }
        ledger.advance(by: .seconds(3601))
        let before = try await ledger.store.standings(at: ledger.now)
        try await ledger.reopen()
        let standings = try await ledger.store.standings(at: ledger.now)
        try requireEqual(standings, before)
        let standing = try unwrap(standings.first { !$0.model.isEmpty })
        try requireEqual(standing.account, batch.account)
        try requireEqual(standing.model, batch.key.model)
        try requireEqual(standing.lessons.namedCap, 5)
        try requireEqual(standing.lessons.largestBytes, 700)
        try requireEqual(standing.creates?.creates, 50)
        try requireEqual(standing.usage, BatchUsage())
        // What became known to be too large has no place any more.
        let rows = try await ledger.admit(TestDelivery("x"), TestDelivery("y"))
        let large = try unwrap(try await ledger.plan(rows.map(\.id)).batch)
        try requireEqual(try await take(large, BatchLimits(), ledger).admission, .tooLarge)
      },
      `case`("what calls taught about counting is kept beside what batches taught") { ledger in
        let batch = try await newBatch(ledger, "a")
        _ = try await take(batch, BatchLimits(), ledger)
        _ = try await ledger.store.learn(.refusedTokens(named: 5), from: batch, random: 0, at: ledger.now)
        let key = GateKey(account: batch.account, model: batch.key.model)
        let other = GateKey(account: batch.account, model: "other")
        try await ledger.store.learn(
          [
            TokenMeasure(key: key, reported: 3000, estimated: 2000),
            TokenMeasure(key: other, reported: 5000, estimated: 4000),
          ], at: ledger.now)
        try await ledger.reopen()
        let standings = try await ledger.store.standings(at: ledger.now)
        let lessons = try unwrap(standings.first { $0.model == key.model }).lessons
        try requireEqual(lessons.namedCap, 5)
        try requireEqual(lessons.ratio, 1.5)
        try requireEqual(try unwrap(standings.first { $0.model == "other" }).lessons.ratio, 1.25)
      },
    ]
  }

  private static func newBatch(_ ledger: TestLedger, _ name: String) async throws -> BatchRecord {
    try await ledger.batch(try await ledger.admit(TestDelivery(name)).id)
  }

  private static func take(
    _ batch: BatchRecord, _ limits: BatchLimits, _ ledger: TestLedger
  ) async throws -> BatchPlace {
    try await ledger.store.takePlace(for: batch, limits, at: ledger.now)
  }

  private static func wait(_ wait: BatchAdmission.Wait, _ ledger: TestLedger) -> BatchAdmission {
    .wait(wait, until: ledger.now + .seconds(60))
  }
}
