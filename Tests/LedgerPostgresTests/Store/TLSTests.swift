import Foundation
import Testing

@testable import LedgerPostgres

/// The server's certificate names localhost and 127.0.0.1, and the server also listens on 127.0.0.2.
@Suite("Postgres: TLS", .timeLimit(.minutes(4)))
struct TLSTests {
  private func url(host: String = "127.0.0.1", _ query: String) throws -> String {
    let tls = try TestPostgres.folder() + "/tls"
    try #require(
      FileManager.default.fileExists(atPath: tls + "/ca.pem"), "the server was not started with MILLRACE_POSTGRES_TLS=1"
    )
    let folder = try #require(tls.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed))
    let text = try TestPostgres.url().replacing("127.0.0.1", with: host)
    return text + "?" + query.replacing("DIR", with: folder)
  }

  private func refusal(_ url: String) async throws -> PostgresFailure {
    let error = try await onThread { try failure { _ = try TestPostgres.connect(url) } }
    let password = try #require(URLComponents(string: url)?.password)
    #expect(!error.message.contains(password))
    #expect(!error.message.contains("\n"))
    return error
  }

  @Test(arguments: ["127.0.0.1", "localhost"])
  func theRightAuthorityConnects(host: String) async throws {
    let url = try url(host: host, "sslmode=verify-full&sslrootcert=DIR/ca.pem")
    try await onThread {
      let connection = try TestPostgres.connect(url)
      defer { connection.close() }
      #expect(try connection.simple("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")[0].bool(0))
      // Through TLS the sending and the reading take other paths.
      let statement = connection.prepare("SELECT $1")
      statement.start().bind([UInt8](repeating: 5, count: 30 << 20))
      #expect(try statement.execute()[0].bytes(0) == [UInt8](repeating: 5, count: 30 << 20))
    }
  }

  @Test func anotherAuthorityIsRefused() async throws {
    let error = try await refusal(url("sslmode=verify-full&sslrootcert=DIR/other-ca.pem"))
    #expect(error.kind == .tls, "\(error)")
    #expect(error.message.contains("certificate verify failed"), "\(error)")
  }

  @Test func anotherHostNameIsRefused() async throws {
    let query = "sslmode=verify-full&sslrootcert=DIR/ca.pem"
    let error = try await refusal(url(host: "127.0.0.2", query))
    #expect(error.kind == .tls, "\(error)")
    #expect(error.message.contains("does not match host name \"127.0.0.2\""), "\(error)")
    // The authority alone may be asked for.
    let lenient = try url(host: "127.0.0.2", "sslmode=verify-ca&sslrootcert=DIR/ca.pem")
    try await onThread { try TestPostgres.connect(lenient).close() }
  }

  @Test func filesThatAreNotThereAreNamed() async throws {
    let root = try await refusal(url("sslmode=verify-full&sslrootcert=DIR/none.pem"))
    #expect(root.kind == .tls, "\(root)")
    #expect(root.message.contains("none.pem"), "\(root)")
    let own = try await refusal(url("sslmode=require&sslcert=DIR/ca.pem&sslkey=DIR/none.key"))
    #expect(own.kind == .tls, "\(own)")
    #expect(own.message.contains("none.key"), "\(own)")
  }

  @Test func aServerWithoutTLSIsRefusedWhereItIsRequired() async throws {
    try await PrivatePostgres.with { server in
      let error = try await refusal(server.url() + "?sslmode=require")
      #expect(error.kind == .tls, "\(error)")
      #expect(error.message.contains("does not support SSL"), "\(error)")
    }
  }
}
