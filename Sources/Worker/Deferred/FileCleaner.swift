import BatchCore
import Ledger
import Logging

/// Deletes files of batches that are over, where they would fill the account until no upload is accepted any more.
///
/// What it does not reach stays at the provider, which nobody is harmed by: a file that is left costs room, and no more.
final class FileCleaner: Sendable {
  private struct Work: Sendable {
    var files: [String]
    var batch: BatchRecord
  }

  private let context: WorkerContext
  private let mailbox = Mailbox<Work>()
  private let waiting = Latch()
  /// Beyond it files are left where they are.
  private static let mostWaiting = 10_000
  private static let tries = 5

  init(context: WorkerContext) {
    self.context = context
  }

  /// - Parameter files: those of a batch that has been settled or taken apart, and that no create may still use.
  func clean(_ files: String?..., of batch: BatchRecord) {
    let files = files.compactMap { $0 }
    // Results of a provider without files take no room that an upload would want.
    guard context.providers[batch.key.provider]?.capabilities.batchWay != .inline else { return }
    guard context.configuration.deletesFiles, !files.isEmpty, waiting.current < Self.mostWaiting else { return }
    waiting.enter()
    mailbox.send(Work(files: files, batch: batch))
  }

  func close() { mailbox.close() }

  /// Runs until it is closed or cancelled. One provider that wants to be left alone does not hold up the files of others.
  func run() async {
    await withDiscardingTaskGroup { group in
      while let works = await mailbox.next() {
        for (_, works) in Dictionary(grouping: works, by: \.batch.account) {
          group.addTask {
            for work in works { await self.delete(work) }
          }
        }
      }
      group.cancelAll()
    }
  }

  private func delete(_ work: Work) async {
    defer { waiting.leave() }
    guard let provider = context.providers[work.batch.key.provider]?.holder(of: work.batch.account) else { return }
    for file in work.files {
      for attempt in 1...Self.tries {
        guard await context.holds.wait(.delete, at: provider) else { return }
        do throws(ProviderError) {
          try await provider.deleteFile(file)
          context.metrics.file(provider: provider.name, event: "deleted")
          break
        } catch {
          if error.reason == .notFound { break }
          guard error.reason.mayPass, attempt < Self.tries else {
            context.metrics.file(provider: provider.name, event: "left")
            context.logger.warning(
              "File of a batch is left at its provider",
              metadata: ["batch": "\(work.batch.label)", "file": "\(file)", "error": "\(error.message)"])
            break
          }
          let delay = context.policy.delay(attempt: attempt, retryAfter: nil, random: context.random())
          guard (try? await context.time.sleep(for: delay)) != nil else { return }
        }
      }
    }
  }
}

extension ProviderError.Reason {
  /// Whether the same may succeed a little later.
  fileprivate var mayPass: Bool {
    switch self {
    case .rateLimited, .unavailable, .invalidResponse: true
    case .rejected, .notFound, .accountClosed, .noBatches, .storageFull, .cancelled: false
    }
  }
}
