import GRDB
public import Ledger

extension SQLiteLedger {
  /// Looks at a file that is there and changes nothing in it. Returns a line for people. Blocks while it does.
  public static func inspect(path: String) throws(LedgerError) -> String {
    let file = try LedgerFile(path: path)
    defer { file.release() }
    do {
      let found = try Connections.reader(path: path, name: "inspect").read { try Schema.check($0, path: path) }
      let migration = found < Schema.version ? ", to be migrated to \(Schema.version)" : ""
      return "SQLite ledger \(path), schema version \(found)\(migration)"
    } catch {
      throw ErrorMapping(path: path)(error)
    }
  }
}
