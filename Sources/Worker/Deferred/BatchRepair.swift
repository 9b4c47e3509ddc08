import BatchCore
import Ledger
import Logging

/// What is done with a batch that its provider failed as a whole: nothing in it ran.
struct BatchRepair: Sendable {
  let context: WorkerContext
  /// Takes a batch that a repair made.
  let start: @Sendable (BatchRecord) -> Void

  /// Returns whether every row has left the batch.
  func repair(_ batch: BatchRecord, _ snapshot: BatchSnapshot) async -> Bool {
    let now = context.time.now()
    let lines = await context.retry("look for a batch's lines") { () async throws(LedgerError) in
      try await context.ledger.lines(of: batch.id)
    }
    guard let lines else { return false }
    let disposition = BatchFailure.disposition(
      of: snapshot.problems, rowCount: batch.rowCount, halvings: batch.halvings)
    context.logger.warning(
      "Batch failed at its provider",
      metadata: [
        "batch": "\(batch.label)", "problems": "\(snapshot.problems.prefix(3).map { "\($0.code): \($0.message)" })",
      ])
    switch disposition {
    case .resubmitLater:
      let delay = context.policy.delay(attempt: 4, retryAfter: nil, random: context.random())
      return await giveBack(batch, notBefore: now + delay, limit: nil)
    case .resubmitWithRoom(let cap): return await resubmit(batch, snapshot, cap: cap)
    case .tooManyRows(let limit):
      // The provider counts lines, and no batch has more of them than rows.
      var counted = batch
      counted.rowCount = lines?.count ?? batch.rowCount
      await context.learn(.refusedRows(named: limit), from: counted)
      return await giveBack(batch, notBefore: now, limit: nil)
    case .tooManyBytes(let limit):
      await context.learn(.refusedBytes(inputBytes(of: batch, lines), named: limit), from: batch)
      return await giveBack(batch, notBefore: now, limit: nil)
    case .accountClosed:
      context.health.report(
        .account(batch.key.provider),
        "\(batch.key.provider): \(snapshot.problems.first?.message ?? "the account is closed")")
      return await giveBack(batch, notBefore: now + .seconds(60), limit: nil)
    // Which row of a line is to blame nobody knows before each has a line of its own.
    case .dropLines where lines != nil, .halve where lines != nil, .separate where lines != nil,
      .failAll where lines != nil:
      return await giveBack(batch, notBefore: now, limit: nil)
    case .dropLines(let lines, let failure):
      guard await drop(lines, of: batch, failure) else { return false }
      return await giveBack(batch, notBefore: now, limit: nil)
    case .halve:
      return await split(batch, into: 2)
    case .separate:
      return await split(batch, into: batch.rowCount)
    case .failAll(let failure):
      return await giveBack(
        batch, notBefore: now,
        limit: AttemptOutcome.Limit(maximumAttempts: 0, failure: failure))
    }
  }

  /// Refusals are further apart each time, up to ten minutes: these take some three hours.
  private static let mostRefusals = 24

  /// The next batches are built and sent as the account's room allows, which this refusal teaches.
  private func resubmit(_ batch: BatchRecord, _ snapshot: BatchSnapshot, cap: Int64?) async -> Bool {
    context.metrics.batch(provider: batch.key.provider, event: "no_room")
    guard let standing = await context.learn(.refusedTokens(named: cap), from: batch) else { return false }
    var limit: AttemptOutcome.Limit?
    let message =
      "the account has no room for this request: \(snapshot.problems.first?.message ?? "token_limit_exceeded")"
    if batch.rowCount == 1 {
      // One request that alone is above the cap is not tried for ever; nor is one that was refused again and again, for hours,
      // with nothing of ours beside it: what it takes was estimated too low.
      if standing.lessons.expected(batch.tokens) > cap ?? standing.lessons.namedCap ?? .max {
        limit = context.policy.limit(.providerUnavailable, message)
      } else if standing.usage.enqueuedTokens == 0 {
        let row = await context.retry("look at a refused request") { () async throws(LedgerError) in
          try await context.ledger.unsettledRows(batch.id, after: nil, limit: 1)
        }
        guard let row else { return false }
        if row.first.map({ $0.attempt >= Self.mostRefusals }) ?? false {
          limit = AttemptOutcome.Limit(maximumAttempts: 0, failure: Failure(.providerUnavailable, message))
        }
      }
    }
    return await giveBack(batch, notBefore: context.time.now(), limit: limit)
  }

  private func inputBytes(of batch: BatchRecord, _ lines: BatchLines?) -> Int64 {
    context.providers[batch.key.provider].map { batch.inputBytes(lines, at: $0) } ?? batch.bodyBytes
  }

  private func giveBack(_ batch: BatchRecord, notBefore: Timestamp, limit: AttemptOutcome.Limit?) async -> Bool {
    let done: Void? = await context.retry("take a batch apart") { () async throws(LedgerError) in
      try await context.ledger.abandon(batch.id, notBefore: notBefore, limit: limit, at: context.time.now())
    }
    context.outboxReady.raise()
    return done != nil
  }

  /// Answers the rows that the provider names by their line, from 1.
  private func drop(_ lines: [Int], of batch: BatchRecord, _ failure: Failure) async -> Bool {
    let wanted = Set(lines)
    var line = 0
    var after: RequestID?
    var outcomes: [AttemptOutcome] = []
    while true {
      let from = after
      let rows = await context.retry("find the refused rows") { () async throws(LedgerError) in
        try await context.ledger.unsettledRows(batch.id, after: from, limit: 5000)
      }
      guard let rows else { return false }
      guard let last = rows.last else { break }
      after = last.id
      for row in rows {
        line += 1
        guard wanted.contains(line) else { continue }
        outcomes.append(
          AttemptOutcome(id: row.id, attempt: row.attempt, batch: batch.id, verdict: .finish(failure)))
      }
    }
    // Where rows have left already, as after a crash in here, a line's number says nothing any more: the provider names
    // the lines of the next batch anew.
    guard line == batch.rowCount else { return true }
    guard await context.recorder.record("answer the refused rows", outcomes) != nil else { return false }
    context.metrics.outcome(lane: .deferred, succeeded: false, by: outcomes.count)
    return true
  }

  /// Longer than it takes to plan so many rows, however busy the ledger is.
  private static func hold(_ rows: Int) -> Duration { .seconds(60 + rows / 64) }

  /// Nobody says which row is bad: parts of the batch are tried apart. Their intents are committed at once, so that the
  /// rows don't gather in one window again.
  private func split(_ batch: BatchRecord, into parts: Int) async -> Bool {
    guard let rows = await context.unsettledRows(of: batch, "split a batch") else { return false }
    // Not before the parts are planned: a window that takes the rows together again would start from the beginning.
    guard await giveBack(batch, notBefore: context.time.now() + Self.hold(rows.count), limit: nil) else { return false }
    let size = max(1, (rows.count + parts - 1) / max(1, parts))
    for start in stride(from: 0, to: rows.count, by: size) {
      let plan = BatchPlan(
        key: batch.key, rows: rows[start..<min(start + size, rows.count)].map(\.id),
        label: BatchLabel.make(context.random()), account: batch.account, trigger: .requests,
        halvings: batch.halvings + 1,
        price: context.price(of: Route(provider: batch.key.provider, model: batch.key.model)))
      let planned = await context.retry("split a batch") { () async throws(LedgerError) in
        try await context.ledger.plan(plan, at: context.time.now())
      }
      guard let planned else { return false }
      if let part = planned.batch { self.start(part) }
      context.outboxReady.raise()
    }
    return true
  }
}
