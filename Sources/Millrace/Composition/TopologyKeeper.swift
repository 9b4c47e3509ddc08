import AMQP
import BatchCore
import Logging
import ServiceLifecycle
import Settings
import Threading
import Worker

/// Sees to it that everything the service needs is there, once the broker can be reached and as long as the service runs;
/// consumers start after it.
final class TopologyKeeper: Service {
  private struct State {
    var report: TopologyReport?
    var waiters: [OneShot<Bool>] = []
    var ended = false
  }

  /// What is deleted while all connections work shows at the next look, at the latest.
  private static let interval = Duration.seconds(60)

  private let settings: AMQPSettings
  private let links: BrokerLinks
  private let health: HealthBoard
  private let logger: Logger
  private let state = Locked(State())

  init(settings: AMQPSettings, links: BrokerLinks, health: HealthBoard, logger: Logger) {
    self.settings = settings
    self.links = links
    self.health = health
    self.logger = logger
  }

  var isReady: Bool { state.withLock { $0.report != nil } }

  /// Whether poison of the lane is dead-lettered by our own publish: where it is not certain that the broker would do it,
  /// a nack could destroy the message.
  func publishesPoison(_ lane: Lane) -> Bool {
    switch settings.poison {
    case .nack: false
    case .publish: true
    case .auto:
      switch state.withLock({ $0.report?["queue '\(settings.queueName(of: lane))'"] }) {
      case .created, .matching: false
      case .differs, .unverified, .missing, nil: true
      }
    }
  }

  /// Runs the operation when the topology is there; not at all if the service ends before.
  func whenReady(_ operation: () async -> Void) async {
    let waiter = OneShot<Bool>()
    let known = state.withLock { state -> Bool? in
      if state.report != nil { return true }
      if state.ended { return false }
      state.waiters.append(waiter)
      return nil
    }
    let ready: Bool
    if let known {
      ready = known
    } else {
      ready = await withTaskCancellationHandler {
        await waiter.value
      } onCancel: {
        waiter.succeed(false)
      }
    }
    if ready { await operation() }
  }

  func run() async throws {
    defer { release(nil) }
    try await cancelWhenGracefulShutdown {
      try await self.establish()
      try await self.keep()
    }
  }

  private func establish() async throws {
    let connection = try settings.connection(named: "topology")
    var delay = Duration.milliseconds(100)
    while !Task.isCancelled {
      do throws(AMQPError) {
        let report = try await settings.topology.check(connection, declare: settings.declare)
        if let refusal = report.refusal {
          throw AMQPError(.configuration, "amqp: \(refusal) (amqp.declare: true)")
        }
        note(report)
        health.clear(.broker("topology"))
        release(report)
        return
      } catch {
        if error.kind == .configuration { throw error }
        if error.kind == .stopped { return }
        health.report(.broker("topology"), error.description)
        logger.error("The broker cannot be asked yet; trying again", metadata: ["error": "\(error)"])
      }
      do { try await Task.sleep(for: delay) } catch { return }
      delay = min(delay * 2, .seconds(5))
    }
  }

  /// Looks again while something about the broker is wrong, and now and then in any case: what was deleted under us is
  /// declared anew, or named until somebody brings it back.
  private func keep() async throws {
    let connection = try settings.connection(named: "topology")
    var lastLook = ContinuousClock.now
    var delay = Duration.seconds(1)
    while (try? await Task.sleep(for: delay)) != nil {
      guard isInTrouble || .now - lastLook >= Self.interval else {
        delay = .seconds(1)
        continue
      }
      do throws(AMQPError) {
        let report = try await settings.topology.check(connection, declare: settings.declare)
        note(report)
        if let refusal = report.refusal {
          health.report(.broker("topology"), refusal)
        } else {
          health.clear(.broker("topology"))
        }
        state.withLock { $0.report = report }
      } catch {
        health.report(.broker("topology"), error.description)
      }
      lastLook = .now
      delay = min(delay * 2, .seconds(5))
    }
  }

  private var isInTrouble: Bool {
    !links.problems.isEmpty || health.current.contains { if case .broker = $0.part { true } else { false } }
  }

  /// Says what is new in the report.
  private func note(_ report: TopologyReport) {
    let last = state.withLock { $0.report }
    for entry in report.entries where entry.finding != last?[entry.object] {
      switch entry.finding {
      case .created: logger.info("Declared", metadata: ["object": "\(entry.object)"])
      case .differs, .unverified: logger.warning("\(entry)")
      case .missing: logger.error("\(entry)")
      case .matching: break
      }
    }
  }

  private func release(_ report: TopologyReport?) {
    let waiters = state.withLock { state in
      if let report { state.report = report } else { state.ended = true }
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.succeed(report != nil) }
  }
}
