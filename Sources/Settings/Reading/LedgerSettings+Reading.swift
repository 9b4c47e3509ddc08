extension LedgerSettings {
  /// Reads the keys under `ledger`.
  init(reading ledger: Section) {
    self.init()
    let day = Duration.seconds(86_400)
    if let scalar = ledger.scalar("url", .url) {
      url = ConnectionURL(scalar.text)
      if engine == nil {
        ledger.reading.fail(
          ledger.full("url"), scalar,
          "names no ledger; allowed: sqlite:///path/to/file or postgres://user:password@host/database")
      }
    }
    retention = ledger.duration("retention", retention, .seconds(60)...(day * 3660))
    bodyRetention = ledger.duration("body_retention", bodyRetention, .seconds(60)...(day * 3660))
    if bodyRetention > retention {
      ledger.reading.fail(
        ledger.full("body_retention"),
        "longer than ledger.retention; allowed: up to \(Quantities.text(retention))")
    }
    lease = ledger.duration("lease", lease, .seconds(2)...(.seconds(600)))
    maxBacklogBytes = ledger.bytes("max_backlog_bytes", maxBacklogBytes, 1_048_576...1_125_899_906_842_624)
    minFreeDisk = ledger.bytes("min_free_disk", minFreeDisk, 0...1_125_899_906_842_624)
    allowUnsharedInteractive = ledger.flag("allow_unshared_interactive", allowUnsharedInteractive)
  }
}
