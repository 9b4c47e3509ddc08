import Threading

/// What the simulator was started with, and what may change while it runs.
final class SimulatorSettings: Sendable {
  let stateDirectory: String
  let credentials: Credentials
  private let dice: Dice
  private let current: Locked<Behaviour>

  init(stateDirectory: String, seed: UInt64, credentials: Credentials, behaviour: Behaviour) {
    self.stateDirectory = stateDirectory
    self.credentials = credentials
    dice = Dice(seed: seed)
    current = Locked(behaviour)
  }

  var behaviour: Behaviour { current.withLock { $0 } }

  var plan: FaultPlan { FaultPlan(behaviour: behaviour, dice: dice) }

  func change(_ body: (inout Behaviour) throws(SimulatorError) -> Void) throws(SimulatorError) {
    try current.withLock { (behaviour) throws(SimulatorError) in try body(&behaviour) }
  }
}
