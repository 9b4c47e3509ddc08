import ArgumentParser
import Ledger
import LedgerPostgres
import LedgerSQLite
import Settings

/// Commands about the ledger itself.
struct LedgerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ledger", abstract: "Works on the ledger.", subcommands: [Migrate.self])

  struct Migrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Makes the ledger's tables, or brings them to this version.",
      discussion: """
        serve does the same when it starts; this is for whoever lets the service have no right to create tables. Several
        may run at once. A ledger that a newer version wrote is left alone.
        """)

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
      let settings = try options.load().ledger
      do throws(LedgerError) {
        switch settings.engine {
        case .postgres(let url): print(try PostgresLedger.migrate(url: url.reveal(), note: complain))
        case .sqlite(let path):
          let ledger = try SQLiteLedger(path: path)
          let text = try await ledger.describe()
          await ledger.close()
          print(text)
        case nil: throw LedgerError(.unusable, "config: ledger.url = \(settings.url.redacted) names no ledger")
        }
      } catch {
        complain(error.message)
        switch error.reason {
        case .inUse, .unusable: throw ExitStatus.configuration
        case .unavailable, .invalid, .closed, .fenced: throw ExitStatus.unavailable
        }
      }
    }
  }
}
