import BatchCore
import Ledger
import Logging

/// The cancel of a batch of ours, sent until the provider has answered it. What it has to wait for keeps no poll waiting.
struct BatchCancel {
  let context: WorkerContext
  let batch: BatchRecord
  let provider: any Provider
  /// The batch's id at the provider.
  let id: String
  private var isAnswered = false
  /// The provider will not cancel it: it runs on, or is over.
  private(set) var isRefused = false
  private var isWaiting = false

  init(context: WorkerContext, batch: BatchRecord, provider: any Provider, id: String) {
    self.context = context
    self.batch = batch
    self.provider = provider
    self.id = id
  }

  /// How long the provider wants it to wait; nil if it does not.
  var pause: Duration? {
    isAnswered ? nil : context.holds.pause(.cancel, at: provider).map { Holds.spread($0) }
  }

  /// Asks the provider to end the batch, if it has not answered that before and wants to be asked now. Returns whether it was
  /// asked.
  mutating func send() async -> Bool {
    if isAnswered { return false }
    if context.holds.pause(.cancel, at: provider) != nil {
      if !isWaiting { context.holds.enter(.cancel, provider) }
      isWaiting = true
      return false
    }
    end()
    do throws(ProviderError) {
      let snapshot = try await provider.cancel(id)
      isAnswered = true
      context.metrics.batch(provider: provider.name, event: "cancel_sent")
      context.logger.info(
        "Batch cancel sent", metadata: ["batch": "\(batch.label)", "state": "\(snapshot.state)"])
    } catch {
      context.logger.warning(
        "Batch cannot be cancelled", metadata: ["batch": "\(batch.label)", "error": "\(error.message)"])
      switch error.reason {
      // It runs on, or is gone, which the next look tells.
      case .rejected, .notFound:
        isAnswered = true
        isRefused = true
      // With the next poll it is tried again.
      case .rateLimited, .accountClosed, .noBatches, .storageFull, .unavailable, .invalidResponse, .cancelled: break
      }
    }
    return true
  }

  /// Shows no longer that it waits.
  mutating func end() {
    if isWaiting { context.holds.leave(.cancel, provider) }
    isWaiting = false
  }
}
