import BatchCore
import Ledger
import LedgerPostgres
import LedgerSQLite
import Logging
import Settings
import Worker

/// A ledger with the clock that goes with it.
struct OpenedLedger: Sendable {
  var store: any LedgerStore
  /// The server's where replicas share one, so that all of them mean the same time.
  var time: any Timekeeper
}

/// Opens the ledger that the configuration names. Says in one line why it cannot; waits for a server that is away.
func openLedger(_ settings: LedgerSettings, logger: Logger) async throws -> OpenedLedger {
  var delay = Duration.milliseconds(500)
  while true {
    do throws(LedgerError) {
      return try await open(settings, logger)
    } catch {
      switch (error.reason, settings.engine) {
      case (.unavailable, .postgres):
        logger.error("The ledger cannot be opened yet; trying again", metadata: ["error": "\(error)"])
      case (.inUse, _), (.unusable, _):
        complain(error.message)
        throw ExitStatus.configuration
      case (.unavailable, _), (.invalid, _), (.closed, _), (.fenced, _):
        complain(error.message)
        throw ExitStatus.unavailable
      }
    }
    try await Task.sleep(for: delay)
    delay = min(delay * 2, .seconds(5))
  }
}

private func open(_ settings: LedgerSettings, _ logger: Logger) async throws(LedgerError) -> OpenedLedger {
  switch settings.engine {
  case .sqlite(let path):
    return OpenedLedger(store: try SQLiteLedger(path: path), time: SystemTimekeeper())
  case .postgres(let url):
    let lease = settings.lease
    let ledger = try await Blocking.run { () throws(LedgerError) in
      try PostgresLedger.open(url: url.reveal(), lease: lease) { logger.notice("\($0)") }
    }
    return OpenedLedger(store: ledger, time: StoreTimekeeper(ledger: ledger))
  case nil:
    throw LedgerError(.unusable, "config: ledger.url = \(settings.url.redacted) names no ledger")
  }
}

/// The clock of the ledger's server, as last heard of: a replica whose own clock is set keeps the common time.
private struct StoreTimekeeper: Timekeeper {
  let ledger: PostgresLedger
  private let machine = SystemTimekeeper()

  init(ledger: PostgresLedger) {
    self.ledger = ledger
  }

  func now() -> Timestamp { ledger.serverTime() ?? machine.now() }
  func monotonic() -> Timestamp { machine.monotonic() }
  func sleep(for duration: Duration) async throws { try await machine.sleep(for: duration) }
}
