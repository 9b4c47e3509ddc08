import AMQP
import ArgumentParser
import BatchCore
import CurlHTTP
import Glibc
import Ledger
import LedgerPostgres
import LedgerSQLite
import Logging
import Providers
import Settings
import Worker

struct Check: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Says whether configuration, broker, ledger and providers are as the service needs them.",
    discussion: "Changes nothing. Ends with 0 when everything is well, with 1 when the service would not work.")

  @OptionGroup var options: ConfigurationOptions

  private struct Row: Sendable {
    enum Mark: String, Sendable {
      case good = "ok"
      case warning = "warn"
      case bad = "FAIL"
    }

    var what: String
    var mark: Mark
    var detail: String
  }

  func run() async throws {
    signal(SIGPIPE, SIG_IGN)
    let settings = try options.load()
    var rows = [
      Row(
        what: "configuration", mark: .good,
        detail: "\(settings.providers.count) providers, \(settings.models.entries.count) model patterns")
    ]
    rows += await broker(settings.amqp)
    rows.append(await ledger(settings.ledger))
    rows += await providers(settings)
    for line in Self.table(rows) { print(line) }
    if rows.contains(where: { $0.mark == .bad }) { throw ExitStatus.failure }
  }

  private func broker(_ settings: AMQPSettings) async -> [Row] {
    do {
      let connection = try settings.connection(named: "check")
      let info = try await connection.probe()
      var rows = [Row(what: "broker", mark: .good, detail: "\(info)")]
      let report = try await settings.topology.check(connection, declare: false)
      for entry in report.entries where entry.object.hasPrefix("queue") || entry.object.hasPrefix("exchange") {
        switch entry.finding {
        case .matching, .created: break
        case .missing:
          rows.append(
            Row(
              what: "topology", mark: settings.declare ? .warning : .bad,
              detail: settings.declare ? "\(entry.object) is missing; serve declares it" : "\(entry)"))
        case .differs, .unverified: rows.append(Row(what: "topology", mark: .warning, detail: "\(entry)"))
        }
      }
      if rows.count == 1 {
        rows.append(Row(what: "topology", mark: .good, detail: "every exchange and queue is as wanted"))
      }
      return rows
    } catch {
      return [Row(what: "broker", mark: .bad, detail: "\(error)")]
    }
  }

  private func ledger(_ settings: LedgerSettings) async -> Row {
    let path: String
    switch settings.engine {
    case .sqlite(let file): path = file
    case .postgres(let url): return database(url)
    case nil: return Row(what: "ledger", mark: .bad, detail: "\(settings.url.redacted) names no ledger")
    }
    // Opening makes the file, and this command changes nothing.
    guard access(path, F_OK) == 0 else { return newLedger(path) }
    do {
      return Row(what: "ledger", mark: .good, detail: try SQLiteLedger.inspect(path: path))
    } catch let error where error.reason == .inUse {
      // Most likely by the service that is being checked.
      return Row(what: "ledger", mark: .warning, detail: error.message)
    } catch {
      return Row(what: "ledger", mark: .bad, detail: "\(error)")
    }
  }

  private func database(_ url: ConnectionURL) -> Row {
    do throws(LedgerError) {
      return Row(what: "ledger", mark: .good, detail: try PostgresLedger.inspect(url: url.reveal()))
    } catch {
      return Row(what: "ledger", mark: .bad, detail: error.message)
    }
  }

  private func newLedger(_ path: String) -> Row {
    var folder = path[...]
    repeat {
      folder = folder.lastIndex(of: "/").map { folder[..<$0] } ?? "."
      if folder.isEmpty { folder = "/" }
    } while folder != "/" && folder != "." && access(String(folder), F_OK) != 0
    var status = stat()
    guard stat(String(folder), &status) == 0, status.st_mode & S_IFMT == S_IFDIR,
      access(String(folder), W_OK | X_OK) == 0
    else {
      return Row(
        what: "ledger", mark: .bad,
        detail: "cannot make \(path) in \(folder); check ledger.url and the permissions of the service's user")
    }
    return Row(what: "ledger", mark: .good, detail: "\(path) is not there yet; serve makes it")
  }

  private func providers(_ settings: MillraceSettings) async -> [Row] {
    let accounts = Accounts(settings)
    var rows: [Row] = []
    for provider in accounts.providers {
      do {
        try await provider.probe()
        rows.append(Row(what: "provider \(provider.name)", mark: .good, detail: provider.account))
      } catch {
        rows.append(Row(what: "provider \(provider.name)", mark: .bad, detail: "\(error)"))
      }
    }
    await accounts.shutDown()
    return rows
  }

  private static func table(_ rows: [Row]) -> [String] {
    let width = rows.map(\.what.count).max() ?? 0
    return rows.map { row in
      let mark = row.mark.rawValue + String(repeating: " ", count: 4 - row.mark.rawValue.count)
      return mark + "  " + row.what + String(repeating: " ", count: width - row.what.count + 2) + row.detail
    }
  }
}
