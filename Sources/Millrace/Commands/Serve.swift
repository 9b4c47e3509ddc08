import AMQP
import AdminServer
import ArgumentParser
import BatchCore
import CoreMetrics
import Glibc
import Ledger
import Logging
import Observability
import Providers
import ServiceLifecycle
import Settings
import Threading
import UnixSignals
import Wire
import Worker

struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs the service.",
    discussion: """
      Consumes both request queues until it is told to stop. On SIGTERM or SIGINT it stops consuming, lets calls in
      flight end, publishes what is ready and exits 0 within execution.drain_timeout. A second signal ends it at once:
      nothing is lost by that, it only takes longer to resume.
      """)

  @OptionGroup var options: ConfigurationOptions

  func run() async throws {
    // OpenSSL may write to a connection that is gone.
    signal(SIGPIPE, SIG_IGN)
    let settings = try options.load()
    do { try Failpoints.arm(processEnvironment()[Failpoints.variable] ?? "") } catch {
      complain(error.message)
      throw ExitStatus.configuration
    }
    let telemetry = Telemetry(settings)
    let logger = telemetry.logger
    do {
      try await serve(settings, telemetry)
      await telemetry.writer.close()
    } catch {
      let exit = error as? ExitCode ?? ExitStatus.failure
      if !(error is ExitCode) { logger.critical("\(error)") }
      await telemetry.writer.close()
      throw exit
    }
  }

  private func serve(_ settings: MillraceSettings, _ telemetry: Telemetry) async throws {
    let logger = telemetry.logger
    // Until there is something to drain, and also for the first process of a container, which has no default for them.
    for number in [SIGTERM, SIGINT] { signal(number) { _ in _exit(0) } }
    let opened = try await openLedger(settings.ledger, logger: logger)
    for number in [SIGTERM, SIGINT] { signal(number, SIG_DFL) }
    let ledger = opened.store
    let accounts = Accounts(settings)
    let links = try BrokerLinks(settings.amqp, logger: logger)
    let health = HealthBoard()
    let topology = TopologyKeeper(settings: settings.amqp, links: links, health: health, logger: logger)
    let custody = CustodyWatch(settings, links: links, health: health, logger: logger)
    var configuration = settings.workerConfiguration
    configuration.batchLimits = accounts.batches
    configuration.publishesPoison = { topology.publishesPoison($0) }
    let metrics = WorkerMetrics(factory: telemetry.registry)
    let webhook = AlertWebhook(settings.execution, logger: logger)
    let alerts = Alerts(logger: logger, metrics: metrics) { webhook?.send($0) }
    let worker = Worker(
      ports: Worker.Ports(
        sources: [
          QueueSource(lane: .interactive, consumer: links.interactive),
          QueueSource(lane: .deferred, consumer: links.deferred),
        ],
        sink: links.publisher, urgentSink: links.urgentPublisher,
        providers: accounts.providers.map { FailpointPorts.around($0) },
        ledger: FailpointPorts.around(ledger), tokens: PromptCounter(), models: settings.modelCatalog,
        time: opened.time,
        background: BackgroundThreads(name: "background", count: sysconf(Int32(_SC_NPROCESSORS_ONLN))),
        routes: settings.routing),
      configuration: configuration, decoder: RequestDecoder(options: settings.decoding), paces: accounts.paces,
      health: health, metrics: metrics, alerts: alerts, logger: logger)
    let admin = AdminService(
      configuration: AdminConfiguration(
        listen: .init(host: settings.admin.listen.host, port: settings.admin.listen.port),
        healthListen: settings.admin.healthListen.map { .init(host: $0.host, port: $0.port) },
        token: settings.admin.token.reveal()),
      status: ServiceStatus(links: links, topology: topology, health: health, registry: telemetry.registry),
      routes: [
        .batches(
          BatchDesk(
            ledger: ledger,
            problems: BatchProblems(
              isShared: ledger.isShared, providers: worker.providers, health: health, configuration: configuration),
            time: opened.time)),
        .breakers(BreakerDesk(worker: worker, time: opened.time)),
        .costs(CostDesk(ledger: ledger, time: opened.time)),
      ],
      logger: logger)
    logger.info(
      "Millrace starts",
      metadata: [
        "version": "\(MillraceVersion.number)", "instance": "\(MillraceVersion.instance)",
        "ledger": "\(settings.ledger.url.redacted)",
        "admin": "\(settings.admin.listen)", "providers": "\(accounts.providers.map(\.name))",
      ])

    // Shutdown goes from the last to the first: the worker drains while everything that it needs still runs.
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: [
          .init(service: admin, failureTerminationBehavior: .cancelGroup),
          // Not before its exchanges are there: what cannot be routed is given up.
          .init(service: LinkService { await topology.whenReady { await links.publisher.run() } }),
          .init(service: LinkService { await topology.whenReady { await links.urgentPublisher.run() } }),
          .init(service: topology, failureTerminationBehavior: .cancelGroup),
          .init(service: LinkService { await topology.whenReady { await links.interactive.run() } }),
          .init(service: LinkService { await topology.whenReady { await links.deferred.run() } }),
          .init(service: custody),
          .init(service: PeerWatch(settings, links: links, worker: worker)),
        ] + (webhook.map { [.init(service: $0)] } ?? []) + [
          .init(service: LeaseGuard(ledger: ledger, logger: logger, writer: telemetry.writer)),
          .init(
            service: WorkerService(worker: worker), successTerminationBehavior: .gracefullyShutdownGroup),
        ],
        gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
    let result: Result<Void, any Error>
    do {
      try await group.run()
      result = .success(())
    } catch {
      result = .failure(error)
    }
    await ledger.close()
    await accounts.shutDown()
    try result.get()
    logger.info("Millrace stopped")
  }
}

/// The worker as a service.
private struct WorkerService: Service {
  let worker: Worker

  func run() async throws { await worker.run() }
}
