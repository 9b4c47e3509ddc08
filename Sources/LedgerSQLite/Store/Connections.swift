import BatchCore
import GRDB
import GRDBSQLite
import Ledger
import LedgerRules

/// Opens the connections of a ledger: one that writes, and readers beside it that see the last commit.
enum Connections {
  /// Larger pages make a row in order cheaper; 4 KiB gain nothing measurable for rows in random order. Rarer checkpoints
  /// write a page once for many changes of it.
  private static let pageSize = 8192
  static let logPages = 4000
  private static let cacheKilobytes = 32 << 10

  static func writer(path: String, busyTimeout: Duration, logPages: Int) throws -> DatabaseQueue {
    var configuration = base(label: "millrace.ledger.writer")
    // For a backup or a shell that holds the file for a moment.
    configuration.busyMode = .timeout(Double(busyTimeout.wholeMilliseconds) / 1000)
    configuration.journalMode = .wal
    configuration.prepareDatabase { db in
      // Only a file without content takes it.
      try db.execute(sql: "PRAGMA page_size = \(pageSize)")
    }
    let queue = try DatabaseQueue(path: path, configuration: configuration)
    try queue.writeWithoutTransaction { db in
      // After opening: switching to WAL, GRDB sets NORMAL, with which a commit may be lost in a power cut.
      try db.execute(
        sql: """
          PRAGMA synchronous = FULL;
          PRAGMA journal_size_limit = \(2 * logPages * pageSize);
          PRAGMA cache_size = -\(cacheKilobytes);
          PRAGMA temp_store = MEMORY;
          """)
    }
    return queue
  }

  static func checkpointer(path: String) throws -> DatabaseQueue {
    try DatabaseQueue(path: path, configuration: base(label: "millrace.ledger.checkpoints"))
  }

  static func reader(path: String, name: String) throws -> DatabaseQueue {
    var configuration = base(label: "millrace.ledger.\(name)")
    configuration.readonly = true
    return try DatabaseQueue(path: path, configuration: configuration)
  }

  private static func base(label: String) -> Configuration {
    var configuration = Configuration()
    configuration.label = label
    configuration.foreignKeysEnabled = false
    configuration.busyMode = .timeout(5)
    // Transactions are begun and ended with our own statements; one that the disk refuses to end must not trap.
    configuration.allowsUnsafeTransactions = true
    return configuration
  }
}
