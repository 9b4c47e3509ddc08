import BatchCore
import Ledger

/// The cut-off of the earliest deadline in a batch that is not submitted yet, read when somebody has to wait with it for the first time.
struct EarliestDeadline {
  private let context: WorkerContext
  private let batch: BatchRecord
  private var known: Timestamp??
  private static let page = 5000

  init(_ batch: BatchRecord, context: WorkerContext) {
    self.batch = batch
    self.context = context
  }

  /// How an attempt to wait has ended.
  enum Rest: Sendable {
    case over
    /// A row of it must not wait for a batch any more.
    case tooLate
    case stopped
  }

  /// Sleeps, but not beyond the earliest cut-off.
  ///
  /// - Parameter signal: ends the sleep early.
  mutating func rest(_ duration: Duration, or signal: Signal? = nil) async -> Rest {
    if known == nil { known = .some(await read()) }
    var left = duration
    repeat {
      var length = left
      if let deadline = known ?? nil {
        // With what has come meanwhile, which no open batch need have had counted.
        _ = await context.deadlines.look(route, account: batch.account, context.ledger)
        let cutOff = context.deadlines.cutOff(of: deadline, route, account: batch.account)
        let room = cutOff - context.time.now()
        if room <= .zero { return .tooLate }
        length = min(left, room + .milliseconds(1), Self.longest)
      }
      if let signal {
        // Whoever waits for it asks again, raised or not.
        _ = await signal.wait(upTo: length, context.time)
        return Task.isCancelled ? .stopped : .over
      }
      try? await context.time.sleep(for: length)
      if Task.isCancelled { return .stopped }
      left -= length
    } while left > .zero
    return .over
  }

  /// How long it sleeps before it looks again at when the cut-off is.
  private static let longest = Duration.seconds(60)

  private var route: Route { Route(provider: batch.key.provider, model: batch.key.model) }

  /// Nil where no row has one.
  private func read() async -> Timestamp? {
    guard batch.key.deadlineClass != 0 else { return nil }
    var earliest: Timestamp?
    var after: RequestID?
    while !Task.isCancelled {
      let from = after
      let rows = await context.retry("look for deadlines") { () async throws(LedgerError) in
        try await context.ledger.unsettledRows(batch.id, after: from, limit: Self.page)
      }
      guard let rows, let last = rows.last else { break }
      after = last.id
      for deadline in rows.compactMap(\.deadline) { earliest = min(earliest ?? deadline, deadline) }
      if rows.count < Self.page { break }
    }
    return earliest
  }
}
