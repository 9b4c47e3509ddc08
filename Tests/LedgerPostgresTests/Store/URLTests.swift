import Ledger
import Testing

@testable import LedgerPostgres

@Suite("Postgres: URLs", .timeLimit(.minutes(4)))
struct URLTests {
  static let secret = "s3cr3t-Wort"

  @Test(arguments: [
    ("postgres://m:s3cr3t-Wort@db.example:6543/ledger?sslmode=verify-full", "postgres://m@db.example:6543/ledger"),
    ("postgresql://m:s3cr3t-Wort@db/ledger", "postgres://m@db/ledger"),
    ("postgres://db", "postgres://db"),
    ("postgres:///ledger?host=/run/postgresql", "postgres:///run/postgresql/ledger"),
    ("postgres://m@%2Frun%2Fpg/ledger", "postgres://m@/run/pg/ledger"),
    ("postgres://m:a%40b%2Fs3cr3t-Wort@[::1]:5432/l", "postgres://m@[::1]:5432/l"),
    ("postgres://m@a:1,b:2/l?target_session_attrs=read-write", "postgres://m@a:1,b:2/l"),
    ("postgres://m@a,b/l?password=s3cr3t-Wort", "postgres://m@a,b/l"),
    ("postgres://m%0Anew@db/l%1b[31m", "postgres://m; new@db/l [31m"),
  ])
  func isNamedWithoutPasswordAndQuery(url: String, name: String) throws {
    let parameters = try PostgresParameters(url: url)
    #expect(parameters.name == name)
    #expect("\(parameters)" == name)
    var dumped = ""
    dump(parameters, to: &dumped)
    #expect(!(dumped + String(reflecting: parameters)).contains(Self.secret))
  }

  @Test(arguments: [
    ("host=db password=s3cr3t-Wort", "does not begin with postgres://"),
    ("mysql://m:s3cr3t-Wort@db/l", "does not begin with postgres://"),
    ("", "does not begin with postgres://"),
    ("postgres://m:s3cr3t-Wort@db/l?sslmod=require", "\"sslmod\""),
    ("postgres://m:%s3cr3t-Wort@db/l", "percent-encoded"),
    ("postgres://m:%00s3cr3t-Wort@db/l", "forbidden value"),
    ("postgres://m:s3cr3t-Wort@db/l?sslmode", "separator"),
    ("postgres://m:s3cr3t-Wort@db/l?a=b=s3cr3t-Wort", "separator"),
    ("postgres://m:x@s3cr3t-Wort@db/l", "%40"),
    ("postgres://m:x/s3cr3t-Wort@db/l", "%2F"),
    ("postgres://m:x?s3cr3t-Wort@db/l", "%3F"),
    ("postgres://m:x?s3cr3t-Wort=y@db/l", "%3F"),
    ("postgres://m:x s3cr3t-Wort@db/l", "a space or a control character"),
    ("postgres://m:x\ns3cr3t-Wort@db/l", "a space or a control character"),
    ("postgres://m:x\0s3cr3t-Wort@db/l", "a space or a control character"),
    ("postgres://m:s3cr3t-Wort@[::1/l", "IPv6"),
  ])
  func isRefusedWithoutRepeatingASecret(url: String, mention: String) throws {
    let error = try failure(url) { _ = try PostgresParameters(url: url) }
    #expect(error.kind == .configuration)
    #expect(error.message.contains(mention), "\(error.message)")
    #expect(!error.message.contains(Self.secret), "\(error.message)")
    #expect(!error.message.contains("\n"))
    #expect(ErrorMapping(name: "x")(error).reason == .unusable)
  }

  /// What libpq reads only when it connects.
  @Test(arguments: ["sslmode=perhaps", "target_session_attrs=any-at-all", "connect_timeout=soon", "port=99999"])
  func valuesThatCannotBeAreRefusedWhenConnecting(query: String) async throws {
    let error = try await onThread {
      try failure(query) { _ = try TestPostgres.connect("postgres://m:\(Self.secret)@127.0.0.1/l?\(query)") }
    }
    #expect(error.kind == .configuration, "\(error)")
    #expect(!error.message.contains(Self.secret))
  }

  @Test func aWrongPasswordUserOrDatabaseIsNamed() async throws {
    let right = try TestPostgres.url()
    let place = try #require(right.split(separator: "@").last)
    let refusals = try await onThread {
      try [
        "postgres://millrace:\(Self.secret)@\(place)", "postgres://millrace@\(place)",
        "postgres://nobody_at_all:\(Self.secret)@\(place)", right + "_none",
      ].map { url in try failure(url) { _ = try TestPostgres.connect(url) } }
    }
    #expect(refusals.map(\.kind) == [.authentication, .authentication, .authentication, .missingDatabase])
    for refusal in refusals {
      let error = ErrorMapping(name: "postgres://millrace@\(place)")(refusal)
      #expect(!error.message.contains(Self.secret))
      #expect(!error.message.contains("\n"), "\(error.message)")
      #expect(error.reason == (refusal.kind == .missingDatabase ? .unusable : .unavailable))
    }
  }

  @Test func aServerThatDoesNotAnswerIsLeftInTime() async throws {
    // Of a range that is reserved for documentation: nobody is there.
    let start = ContinuousClock.now
    let error = try await onThread {
      try failure { _ = try TestPostgres.connect("postgres://m:\(Self.secret)@192.0.2.1:5432/l?connect_timeout=2") }
    }
    #expect(error.kind == .connectionLost, "\(error)")
    #expect(ContinuousClock.now - start < .seconds(30))
  }

  @Test func theFirstHostThatWritesIsTaken() async throws {
    let place = try await PostgresPlace()
    let parts = try #require(place.url.wholeMatch(of: /(postgres:\/\/[^@]+@)([^\/]+)(\/.*)/))
    let (start, host, end) = (parts.1, parts.2, parts.3)
    let url = "\(start)127.0.0.1:1,\(host)\(end)?target_session_attrs=read-write"
    let database = try await onThread {
      let connection = try TestPostgres.connect(url)
      defer { connection.close() }
      return try connection.simple("SELECT current_database()")[0].text(0)
    }
    #expect(database == place.database)

    try await place.run("ALTER DATABASE \(place.database) SET default_transaction_read_only = on")
    let error = try await onThread { try failure { _ = try TestPostgres.connect(url) } }
    #expect(error.kind == .readOnly, "\(error)")
  }

  @Test func parametersOfTheURLAreKept() async throws {
    let url = try TestPostgres.url() + "?application_name=mine&options=-c%20search_path%3Delsewhere"
    try await onThread {
      let connection = try TestPostgres.connect(url)
      defer { connection.close() }
      #expect(try connection.simple("SHOW application_name")[0].text(0) == "mine")
      #expect(try connection.simple("SHOW search_path")[0].text(0) == "elsewhere")
    }
  }
}
