import AMQP
import AdminServer
import Observability
import Worker

/// What the admin address tells about this process.
struct ServiceStatus: AdminStatus {
  let links: BrokerLinks
  let topology: TopologyKeeper
  let health: HealthBoard
  let registry: MetricsRegistry

  func live() -> Bool { true }

  func readiness() async -> Readiness {
    var checks: [Readiness.Check] = []
    let broken = links.problems
    checks.append(
      Readiness.Check(
        name: "broker", isOK: broken.isEmpty,
        detail: broken.isEmpty ? "connected" : broken.map { "\($0.name): \($0.detail)" }.joined(separator: "; ")))
    checks.append(
      Readiness.Check(
        name: "topology", isOK: topology.isReady, detail: topology.isReady ? "verified" : "not verified yet"))
    for (part, detail) in health.current {
      checks.append(Readiness.Check(name: part.name, isOK: !part.stopsService, detail: detail))
    }
    return Readiness(checks: checks)
  }

  func metrics() async -> [UInt8] { registry.render() }
}

extension HealthBoard.Part {
  /// A closed account or a waiting batch concerns some requests; the service itself works.
  fileprivate var stopsService: Bool {
    switch self {
    case .ledger, .broker, .backlog: true
    case .consumers(let stopsService): stopsService
    case .account, .gate, .hold, .room, .batch, .unknownBatch, .unreachableBatch: false
    }
  }
}
