import Hummingbird
public import Logging
public import ServiceLifecycle

/// Serves health, readiness and metrics over HTTP, and whatever routes are added to them.
///
/// `/healthz` and `/readyz` are open. Everything else on `listen` needs the token where one is set; `healthListen` has
/// only the probes and the metrics, without a token.
public struct AdminService: Service {
  private let listeners: [Listener]
  private let logger: Logger

  /// - Parameters:
  ///   - routes: Further endpoints of `listen`.
  ///   - onListening: Called once for each listener, with the name of its setting and the address that was bound.
  public init(
    configuration: AdminConfiguration, status: any AdminStatus, routes: [AdminRoutes] = [], logger: Logger,
    onListening: @escaping @Sendable (_ setting: String, _ address: AdminConfiguration.Address) -> Void = { _, _ in }
  ) {
    self.logger = logger
    func listener(_ setting: String, _ address: AdminConfiguration.Address, _ router: Router<AdminRequestContext>)
      -> Listener
    {
      Listener(
        setting: setting, address: address, responder: router.buildResponder(),
        idleTimeout: configuration.idleTimeout, maximumConnections: configuration.maximumConnections, logger: logger,
        onListening: { onListening(setting, $0) })
    }
    var listeners = [
      listener("admin.listen", configuration.listen, Self.adminRouter(configuration, status: status, routes: routes))
    ]
    if let address = configuration.healthListen {
      listeners.append(
        listener("admin.health_listen", address, Self.healthRouter(configuration, status: status)))
    }
    self.listeners = listeners
  }

  /// Serves until the shutdown, then answers what is under way.
  ///
  /// - Throws: `AdminServerError` where an address cannot be listened on.
  public func run() async throws {
    var quiet = logger
    quiet.logLevel = .critical
    try await ServiceGroup(configuration: ServiceGroupConfiguration(services: listeners, logger: quiet)).run()
  }

  static func adminRouter(
    _ configuration: AdminConfiguration, status: any AdminStatus, routes: [AdminRoutes]
  ) -> Router<AdminRequestContext> {
    let router = Router(context: AdminRequestContext.self, options: .autoGenerateHeadEndpoints)
    if !configuration.token.isEmpty {
      router.add(middleware: BearerToken(configuration.token, open: ["/healthz", "/readyz"]))
    }
    router.add(middleware: BodyLimit(bytes: configuration.maximumBodyBytes))
    router.addRoutes(StatusRoutes.make(status))
    for added in routes { router.addRoutes(added.collection) }
    let overview = StatusRoutes.overview(StatusRoutes.index + routes.flatMap(\.index))
    router.get("/") { _, _ in StatusRoutes.text(overview) }
    return router
  }

  static func healthRouter(
    _ configuration: AdminConfiguration, status: any AdminStatus
  ) -> Router<AdminRequestContext> {
    let router = Router(context: AdminRequestContext.self, options: .autoGenerateHeadEndpoints)
    router.add(middleware: BodyLimit(bytes: configuration.maximumBodyBytes))
    router.addRoutes(StatusRoutes.make(status))
    return router
  }
}
