/// A step that the crash tests must see survived: a test may end or freeze the process right before it or right after.
///
/// Compiled in only under the condition FAILPOINTS, which `Package.swift` sets for debug builds. In a release build both
/// calls are empty and inlined away. What happens where is said by the environment; see `Failpoints`.
public enum Failpoint: String, CaseIterable, Sendable {
  // Every transaction of a store, whatever is in it: before means that it is written and not committed.
  case commit = "ledger.commit"
  // What the ledger is asked for, by kind.
  case admit = "ledger.admit"
  case acknowledged = "ledger.acknowledged"
  case park = "ledger.park"
  case takeParked = "ledger.take_parked"
  case cancel = "ledger.cancel"
  case fail = "ledger.fail"
  case plan = "ledger.plan"
  case markCreating = "ledger.creating"
  case markPlanned = "ledger.planned"
  case markSubmitted = "ledger.submitted"
  case abandon = "ledger.abandon"
  case settle = "ledger.settle"
  case expedite = "ledger.expedite"
  case rescue = "ledger.rescue"
  case record = "ledger.record"
  case takeReplies = "ledger.take_replies"
  case delivered = "ledger.delivered"
  case undeliverable = "ledger.undeliverable"
  case takeOver = "ledger.take_over"
  // The broker. After publish means on the wire and unconfirmed; before confirm that the broker has it and we don't know.
  case publish = "broker.publish"
  case confirm = "broker.confirm"
  case acknowledge = "broker.ack"
  // The provider. After fetch means after a part of a result file, which is not recorded yet.
  case upload = "provider.upload"
  case create = "provider.create"
  case find = "provider.find"
  case deleteFile = "provider.delete"
  case cancelBatch = "provider.cancel"
  case poll = "provider.poll"
  case fetch = "provider.fetch"
  case call = "provider.call"

  /// Which side of the step.
  public enum Side: String, CaseIterable, Sendable {
    case before
    case after
  }

  /// The step is about to be taken.
  @inlinable public func before() {
    #if FAILPOINTS
      Failpoints.hit(self, .before)
    #endif
  }

  /// The step was taken.
  @inlinable public func after() {
    #if FAILPOINTS
      Failpoints.hit(self, .after)
    #endif
  }
}
