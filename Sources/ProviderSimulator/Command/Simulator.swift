import Glibc
import Hummingbird
import Logging
import NIOCore

/// The simulator put together: its state, its engine and its server.
struct Simulator: Sendable {
  let responder: SimulatorResponder
  private let logger: Logger
  private let lock: StateLock

  /// Opens the state directory and restores what is in it.
  init(settings: SimulatorSettings, logger: Logger) throws(SimulatorError) {
    self.logger = logger
    let directory = settings.stateDirectory
    if mkdir(directory, 0o755) != 0 && errno != EEXIST {
      throw .system("cannot make the state directory \(directory)")
    }
    lock = try StateLock(directory: directory)
    let disk = try Disk(directory: directory + "/files")
    let catalog = try Catalog(path: directory + "/journal.jsonl")
    let paid = try PaidLog(path: directory + "/paid.jsonl", unfinished: catalog.unfinished)
    let calls = try CallLog(path: directory + "/calls.jsonl")
    let traffic = Traffic()
    let cache = PromptCache()
    if settings.behaviour.tokenCounting == .exact { TokenRule.prepare() }
    let engine = BatchEngine(
      catalog: catalog, paid: paid, disk: disk, settings: settings, traffic: traffic, cache: cache, logger: logger)
    responder = SimulatorResponder(
      settings: settings, catalog: catalog, paid: paid, calls: calls, disk: disk, engine: engine,
      traffic: traffic, cache: cache)
  }

  /// The server with its engine. Run it once.
  ///
  /// - Parameters:
  ///   - port: 0 for a free one.
  ///   - onListening: Called with the port, when requests are answered.
  func application(
    host: String, port: Int, onListening: @escaping @Sendable (Int) async -> Void = { _ in }
  ) -> some ApplicationProtocol {
    var application = Application(
      responder: responder,
      configuration: ApplicationConfiguration(address: .hostname(host, port: port), backlog: 1024),
      onServerRunning: { channel in await onListening(channel.localAddress?.port ?? port) },
      logger: logger)
    application.addServices(responder.engine)
    return application
  }

  /// Ends the threads, when the application has ended.
  func close() async {
    await responder.engine.stop()
    await responder.paid.stop()
    await responder.calls.stop()
    await responder.catalog.stop()
    await responder.disk.stop()
  }
}
