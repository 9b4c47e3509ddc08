import Glibc
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle

/// One address and what is served there.
struct Listener: Service {
  let setting: String
  let address: AdminConfiguration.Address
  let responder: RouterResponder<AdminRequestContext>
  let idleTimeout: Duration
  let maximumConnections: Int
  let logger: Logger
  /// Called once with the port that was bound.
  let onListening: @Sendable (AdminConfiguration.Address) -> Void

  func run() async throws {
    // What the library says itself at start and stop is noise beside our own lines.
    var quiet = logger
    quiet.logLevel = max(logger.logLevel, .critical)
    let limits = HTTP1Channel.Configuration.DecoderConfiguration(
      maxHeaderFieldSize: 16_384, maxHeaderListSize: 32_768, maxHeaderFieldCount: 100)
    let application = Application(
      responder: responder,
      server: .http1(
        configuration: HTTP1Channel.Configuration(
          idleTimeout: TimeAmount(idleTimeout), httpDecoderConfiguration: limits)),
      configuration: ApplicationConfiguration(
        address: .hostname(address.host, port: address.port),
        availableConnectionsDelegate: .maximum(maximumConnections, logger: quiet)),
      onServerRunning: { channel in
        let bound = AdminConfiguration.Address(host: address.host, port: channel.localAddress?.port ?? address.port)
        logger.info("listening", metadata: ["address": "\(bound)", "setting": "\(setting)"])
        onListening(bound)
      },
      logger: quiet)
    for attempt in 1... {
      do {
        return try await application.run()
      } catch is CancellationError {
        throw CancellationError()
      } catch {
        // A process that started anew in place may find the port still being given free.
        guard attempt < Self.tries, (error as? IOError)?.errnoCode == EADDRINUSE else {
          throw AdminServerError(setting: setting, address: address, reason: Self.reason(error))
        }
        try await Task.sleep(for: .milliseconds(200))
      }
    }
  }

  /// A second in all.
  private static let tries = 6

  /// The library's texts name system calls; a reader needs what to change.
  private static func reason(_ error: any Error) -> String {
    if let error = error as? IOError {
      switch error.errnoCode {
      case EADDRINUSE: return "the port is taken by another process"
      case EACCES: return "the permission is missing; ports below 1024 need it"
      case EADDRNOTAVAIL: return "the address is not one of this machine"
      default: return error.description
      }
    }
    if error is SocketAddressError || error is SocketAddressError.UnknownHost { return "the host name is unknown" }
    return "\(error)"
  }
}
