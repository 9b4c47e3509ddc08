import BatchCore
import Ledger
import Threading

/// Models of accounts whose answers to several inputs could not be split: their requests share no lines any more, since
/// what does not fit is billed and answers nobody.
///
/// Forgotten with the process: the next shared lines teach it again. Bounded by the routes of the configuration.
final class UnsharedModels: Sendable {
  private struct Model: Hashable {
    var account: String
    var name: String

    init(_ batch: BatchRecord) {
      account = batch.account
      name = batch.key.model
    }
  }

  private let models = Locked(Set<Model>())

  func insert(_ batch: BatchRecord) { models.withLock { _ = $0.insert(Model(batch)) } }

  /// Whether the model that this batch is for is one of them.
  func contains(_ batch: BatchRecord) -> Bool { models.withLock { $0.contains(Model(batch)) } }
}
