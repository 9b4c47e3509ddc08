import Foundation
import Testing

/// A server of a test's own, which it may kill: the one of `Deploy/test` serves other tests at the same time.
final class PrivatePostgres: Sendable {
  let folder: String

  private init(folder: String) {
    self.folder = folder
  }

  /// Starts one for the closure, and removes it and its data afterwards.
  ///
  /// - Parameter configuration: Lines for `postgresql.conf`.
  static func with<Value: Sendable>(
    configuration: String = "", _ body: (PrivatePostgres) async throws -> Value
  ) async throws -> Value {
    // The programs are there if the shared server is.
    _ = try TestPostgres.url()
    let folder = FileManager.default.temporaryDirectory.appending(path: "millrace postgres \(UUID().uuidString)").path
    let server = PrivatePostgres(folder: folder)
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try configuration.write(toFile: folder + "/extra.conf", atomically: true, encoding: .utf8)
      try await server.script("start")
      let value = try await body(server)
      try await server.script("remove")
      return value
    } catch {
      try? await server.script("remove")
      throw error
    }
  }

  func script(_ command: String) async throws { try await TestPostgres.script(command, folder) }

  func url() throws -> String {
    try String(contentsOfFile: folder + "/url", encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
