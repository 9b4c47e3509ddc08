import Glibc
import Settings

extension ConfigurationOptions {
  /// Asks the running service, or says in one line what is wrong and ends the command.
  func ask(_ method: String, _ path: String, _ body: [UInt8]? = nil) async throws -> [UInt8] {
    signal(SIGPIPE, SIG_IGN)
    let settings = try load()
    do throws(AdminFailure) {
      return try await AdminClient(settings.admin).send(method, path, body)
    } catch {
      complain(error.message)
      throw error.isUnreachable ? ExitStatus.unavailable : ExitStatus.failure
    }
  }
}
