import BatchCore
import Ledger

/// Takes parked requests out of the ledger when they may be sent.
struct ParkedSource: Sendable {
  let context: WorkerContext

  struct Taken: Sendable {
    var calls: [ParkedCall] = []
    /// Lines that may have more rows that may be sent now.
    var open: Set<ParkedLine> = []
    /// When to look through all lines again; nil if nothing is parked.
    var askAgain: Duration?
  }

  /// The net under lines with rows that may be sent: for tenants of which nothing was taken, and for room that nobody told of.
  private static let openPause = Duration.milliseconds(200)
  /// Others may have parked rows that this process could send.
  private static let sharedPause = Duration.seconds(2)

  /// Looks through all lines.
  func look(_ room: ParkedRoom, corrections: [ParkedLine: [String: Int64]]) async -> Taken {
    var taken = Taken()
    if context.ledger.isShared { taken.askAgain = Self.sharedPause }
    let lines = await context.retry("look for parked requests") { () async throws(LedgerError) in
      try await context.ledger.parkedLines().map { Found(line: $0.line, notBefore: $0.notBefore) }
    }
    let now = context.time.now()
    var open: [ParkedLine] = []
    // A route whose provider is not configured any more waits in the ledger until it is.
    for found in lines ?? [] where context.providers[found.line.route.provider] != nil {
      let pause = found.notBefore > now ? min(found.notBefore - now, .seconds(3600)) : Self.openPause
      taken.askAgain = min(taken.askAgain ?? pause, pause)
      if found.notBefore <= now { open.append(found.line) }
    }
    await claim(open, room, corrections, into: &taken)
    return taken
  }

  private struct Found: Sendable {
    var line: ParkedLine
    var notBefore: Timestamp
  }

  /// Goes on with lines that had more.
  func refill(
    _ lines: some Sequence<ParkedLine>, _ room: ParkedRoom, corrections: [ParkedLine: [String: Int64]]
  ) async -> Taken {
    var taken = Taken()
    await claim(lines, room, corrections, into: &taken)
    return taken
  }

  private func claim(
    _ lines: some Sequence<ParkedLine>, _ room: ParkedRoom, _ corrections: [ParkedLine: [String: Int64]],
    into taken: inout Taken
  ) async {
    let now = context.time.now()
    for line in lines {
      guard var claim = room.claim(line, weights: context.configuration.tenantWeights) else {
        taken.open.insert(line)
        continue
      }
      claim.corrections = corrections[line] ?? [:]
      for _ in 0..<Self.tries {
        let found = await context.retry("take parked requests") { [claim] () async throws(LedgerError) in
          try await context.ledger.takeParked(claim, at: now)
        }
        guard let found else { break }
        taken.calls += found.calls
        // What was passed over may have more too.
        if !claim.passing.isEmpty || (found.isMore && !found.calls.isEmpty) { taken.open.insert(line) }
        if !found.calls.isEmpty || !found.isMore { break }
        claim.corrections = [:]
      }
    }
  }

  /// How often a claim is repeated that found only tenants whose rows may not be sent yet.
  private static let tries = 4
}
