import BatchCore
import Ledger
import Logging
import Wire

/// Sees to deliveries that are attached to calls which another replica makes: that one publishes the reply, and this one
/// has the delivery to settle; and if that one is gone, the delivery is what brings the call back.
struct AttachedWatch: Sendable {
  let context: WorkerContext
  let intakes: [Intake]
  let settler: DeliverySettler
  private static let interval = Duration.milliseconds(250)
  private static let page = 512

  /// Watches until the task is cancelled.
  func run() async {
    guard context.ledger.isShared else { return }
    while (try? await context.time.sleep(for: Self.interval)) != nil {
      for intake in intakes { await look(intake) }
    }
  }

  private func look(_ intake: Intake) async {
    var rest = context.held.attached(of: intake.source.lane)[...]
    while !rest.isEmpty, !Task.isCancelled {
      let rows = Array(rest.prefix(Self.page))
      rest = rest.dropFirst(rows.count)
      // The next round asks again.
      guard let progress = try? await context.ledger.progress(of: rows) else { return }
      let found = Dictionary(grouping: zip(rows, progress), by: \.1).mapValues { $0.map(\.0) }
      settler.settle(context.held.release((found[.delivered] ?? []) + (found[.kept] ?? [])))
      if let abandoned = found[.abandoned] { await takeUp(abandoned, intake) }
    }
  }

  /// Whoever called is gone: the deliveries are admitted as if they came anew, and the first of each call calls.
  private func takeUp(_ rows: [RequestID], _ intake: Intake) async {
    let held = context.held.release(rows).compactMap { held in
      held.attached.map { (delivery: $0, row: held.id) }
    }
    context.logger.info(
      "Calling for requests of a replica that is gone", metadata: ["requests": "\(held.count)"])
    await intake.admit(held.map(\.delivery), attachedTo: held.map(\.row))
  }
}
