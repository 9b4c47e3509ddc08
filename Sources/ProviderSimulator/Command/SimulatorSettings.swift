import Threading
import Wire

/// What the simulator was started with, and what may change while it runs.
final class SimulatorSettings: Sendable {
  private struct Current {
    var behaviour: Behaviour
    var outageSchedule = OutageSchedule()
    var orders: [RefusalOrder] = []

    mutating func takeIncidents(_ object: JSONSlice, now: Int) throws(SimulatorError) {
      for member in object.members {
        switch member.key {
        case "outage":
          let outages = try IncidentFields.list(member.value, "outage") { (slice) throws(SimulatorError) in
            try Outage(slice)
          }
          outageSchedule = OutageSchedule(outages: outages, givenAt: now)
        case "orders":
          orders = try IncidentFields.list(member.value, "orders") { (slice) throws(SimulatorError) in
            try RefusalOrder(slice)
          }
        default: break
        }
      }
    }
  }

  let stateDirectory: String
  let credentials: Credentials
  private let dice: Dice
  private let current: Locked<Current>

  init(stateDirectory: String, seed: UInt64, credentials: Credentials, behaviour: Behaviour) {
    self.stateDirectory = stateDirectory
    self.credentials = credentials
    dice = Dice(seed: seed)
    current = Locked(Current(behaviour: behaviour))
  }

  /// Members of `POST /_sim/faults` that are lists of objects.
  static let incidents: Set<String> = ["outage", "orders"]

  var behaviour: Behaviour { current.withLock { $0.behaviour } }

  var plan: FaultPlan {
    let (behaviour, outages) = current.withLock { ($0.behaviour, $0.outageSchedule) }
    return FaultPlan(behaviour: behaviour, dice: dice, outages: outages)
  }

  /// The refusal of a call, if one is ordered; it counts as done.
  func takeOrder(_ kind: CallKind, model: String?) -> APIError? {
    current.withLock { $0.orders.isEmpty ? nil : $0.orders.take(kind, model: model) }
  }

  /// Takes over what the object names, or nothing if something is wrong with it.
  ///
  /// - Parameter now: Nanoseconds of the monotonic clock; outages are counted from it.
  func change(_ object: JSONSlice, now: Int) throws(SimulatorError) {
    try current.withLock { (current) throws(SimulatorError) in
      var changed = current
      try changed.behaviour.apply(object, ignoring: Self.incidents)
      try changed.takeIncidents(object, now: now)
      current = changed
    }
  }

  /// The same for outages and orders alone, whatever else the object names.
  func changeIncidents(_ object: JSONSlice, now: Int) throws(SimulatorError) {
    try current.withLock { (current) throws(SimulatorError) in
      var changed = current
      try changed.takeIncidents(object, now: now)
      current = changed
    }
  }

  var json: [UInt8] {
    let now = current.withLock { $0 }
    var writer = JSONWriter(capacity: 4096)
    writer.beginObject()
    now.behaviour.write(into: &writer)
    writer.key("outage")
    writer.beginArray()
    for outage in now.outageSchedule.outages { outage.write(into: &writer) }
    writer.endArray()
    writer.key("orders")
    writer.beginArray()
    for order in now.orders { order.write(into: &writer) }
    writer.endArray()
    writer.endObject()
    return writer.bytes
  }
}
