import AMQP
import BatchCore
import Logging
import ServiceLifecycle
import Settings
import Threading
import Worker

/// Sees to it, once the broker can be reached, that everything the service needs is there; consumers start after it.
final class TopologyKeeper: Service {
  private struct State {
    var report: TopologyReport?
    var waiters: [OneShot<Bool>] = []
    var ended = false
  }

  private let settings: AMQPSettings
  private let health: HealthBoard
  private let logger: Logger
  private let state = Locked(State())

  init(settings: AMQPSettings, health: HealthBoard, logger: Logger) {
    self.settings = settings
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
    try await cancelWhenGracefulShutdown { try await self.establish() }
    try? await gracefulShutdown()
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
        for entry in report.entries {
          switch entry.finding {
          case .created: logger.info("Declared", metadata: ["object": "\(entry.object)"])
          case .differs, .unverified: logger.warning("\(entry)")
          case .matching, .missing: break
          }
        }
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

  private func release(_ report: TopologyReport?) {
    let waiters = state.withLock { state in
      if let report { state.report = report } else { state.ended = true }
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.succeed(report != nil) }
  }
}
