public import BatchCore
public import Ledger

/// What is the matter with open batches: as this process sees those that it works on, and as ledger and provider show
/// those of other replicas.
public struct BatchProblems: Sendable {
  public struct Problem: Sendable {
    public enum Word: String, Sendable {
      /// Its create is not confirmed.
      case unknown
      /// Its key is not configured, and no other key sees it.
      case unreachable
    }

    /// What it is called instead of its state in the ledger.
    public var word: Word?
    public var detail: String
  }

  let isShared: Bool
  let providers: [any Provider]
  let health: HealthBoard
  /// How long a create may be under way until it counts as one that was not confirmed.
  let createLimit: Duration
  /// How many batches the provider is asked about for one answer: a list must come while somebody waits for it.
  private static let mostLooks = 32

  /// - Parameter isShared: Whether other replicas work on the same ledger.
  public init(
    isShared: Bool, providers: [any Provider], health: HealthBoard, configuration: WorkerConfiguration
  ) {
    self.isShared = isShared
    self.providers = providers
    self.health = health
    createLimit = configuration.createTimeout + configuration.reconcileGrace
  }

  /// By label.
  public func all(of batches: [BatchRecord], at now: Timestamp) async -> [String: Problem] {
    var found = health.batchProblems
    guard isShared else { return found }
    var doubtful: [BatchRecord] = []
    for batch in batches where found[batch.label] == nil {
      switch batch.state {
      case .creating:
        // Whoever writes it is given the time that it takes; a batch of this process is on the health board by then.
        guard now - (batch.submittedAt ?? batch.createdAt) > createLimit else { continue }
        found[batch.label] = Problem(
          word: .unknown, detail: "its create is not confirmed; the replica that works on it says more on /readyz")
      case .submitted where isForeign(batch): doubtful.append(batch)
      case .planned, .submitted, .settled, .abandoned: break
      }
    }
    for batch in doubtful.dropFirst(Self.mostLooks) { found[batch.label] = Self.unreachable(batch, nil) }
    await withTaskGroup(of: (String, Problem?).self) { group in
      for batch in doubtful.prefix(Self.mostLooks) { group.addTask { (batch.label, await look(batch)) } }
      for await (label, problem) in group { found[label] = problem }
    }
    return found
  }

  /// Whether the key that the batch was made with is not configured.
  private func isForeign(_ batch: BatchRecord) -> Bool {
    provider(of: batch)?.holder(of: batch.account) == nil
  }

  private func provider(of batch: BatchRecord) -> (any Provider)? {
    providers.first { $0.name == batch.key.provider }
  }

  /// Asks with the keys that there are. Nil where one of them sees the batch: it goes on by itself.
  private func look(_ batch: BatchRecord) async -> Problem? {
    guard let id = batch.providerBatchID else { return nil }
    var last: ProviderError?
    for holder in provider(of: batch)?.holders(of: batch) ?? [] {
      do throws(ProviderError) {
        _ = try await holder.retrieve(id)
        return nil
      } catch {
        // An outage says nothing about the key.
        guard error.reason.isAboutKey else { return Problem(word: nil, detail: error.message) }
        last = error
      }
    }
    return Self.unreachable(batch, last)
  }

  private static func unreachable(_ batch: BatchRecord, _ error: ProviderError?) -> Problem {
    let seen = error.map { ", and with another key \($0.message)" } ?? ""
    return Problem(
      word: .unreachable,
      detail: "the key of its account \(batch.account) is not configured\(seen); configure it again, or decide with "
        + "millrace batches resolve")
  }
}

extension Provider {
  /// The provider with the key of the batch, else with the keys that it has.
  func holders(of batch: BatchRecord) -> [any Provider] {
    holder(of: batch.account).map { [$0] } ?? standIns(for: batch.account)
  }
}

extension HealthBoard {
  fileprivate var batchProblems: [String: BatchProblems.Problem] {
    var found: [String: BatchProblems.Problem] = [:]
    for (part, detail) in current {
      switch part {
      case .batch(let label): found[label] = found[label] ?? BatchProblems.Problem(word: nil, detail: detail)
      case .unknownBatch(let label): found[label] = BatchProblems.Problem(word: .unknown, detail: detail)
      case .unreachableBatch(let label): found[label] = BatchProblems.Problem(word: .unreachable, detail: detail)
      case .ledger, .broker, .account, .gate, .hold, .room, .backlog, .consumers: break
      }
    }
    return found
  }
}
