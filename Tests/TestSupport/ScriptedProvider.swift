public import BatchCore
import Threading
public import Worker

/// A provider in memory that does what the test wrote, and keeps a list of what it was paid for.
public final class ScriptedProvider: Provider {
  public enum Operation: Hashable, Sendable { case upload, create, retrieve, cancel, results, findBatches, deleteFile }

  public enum Fault: Sendable {
    /// Nothing happens but this.
    case refused(ProviderError)
    /// It is carried out, and the answer is lost.
    case answerLost

    public static let unavailable = Fault.refused(
      ProviderError(.unavailable(retryAfter: nil), isAmbiguous: false, message: "scripted outage"))
    /// It is not carried out, but nobody can know that.
    public static let connectionLost = Fault.refused(
      ProviderError(.unavailable(retryAfter: nil), isAmbiguous: true, message: "scripted loss"))
    public static func rejected(_ status: Int) -> Fault {
      .refused(ProviderError(.rejected(statusCode: status), isAmbiguous: false, message: "scripted refusal"))
    }
    /// It asks for a pause.
    public static func pause(_ pause: Duration) -> Fault {
      .refused(ProviderError(.rateLimited(retryAfter: pause), isAmbiguous: false, message: "scripted pause"))
    }
    public static let notFound = Fault.refused(
      ProviderError(.notFound, isAmbiguous: false, message: "scripted absence"))
  }

  /// Something that was executed and will be billed.
  public struct Paid: Hashable, Sendable {
    /// Nil for a synchronous call.
    public var customID: String?
    public var body: [UInt8]
  }

  struct Batch: Sendable {
    var snapshot: BatchSnapshot
    var plot: BatchPlot
    var polls = 0
    var rows: [BatchRow]
  }

  struct State {
    var faults: [Operation: [Fault]] = [:]
    var counts: [Operation: Int] = [:]
    var nextID = 0
    var inputs: [String: (label: String, rows: [BatchRow])] = [:]
    var outputs: [String: [BatchResult]] = [:]
    var batches: [String: Batch] = [:]
    var plot: @Sendable (Int, [BatchRow]) -> BatchPlot = { _, _ in BatchPlot() }
    var answer: @Sendable (Int, ProviderCall) -> CallOutcome = { _, call in ScriptedProvider.success(of: call) }
    var created: [[BatchRow]] = []
    var calls: [ProviderCall] = []
    var paid: [Paid] = []
    var complaints: [String] = []
    var deletedFiles: [String] = []
    /// Batches that a lagging list has hidden.
    var hidden: Set<String> = []
    var standIns: [ScriptedProvider] = []
    var copies = 0
    var watch: @Sendable (Operation) -> Void = { _ in }
    var enqueuedCap: Int?
    var refusedForTokens: [[BatchRow]] = []
    var objections: [Endpoint: String] = [:]
  }

  public let name: String
  public let account: String
  public let capabilities: ProviderCapabilities
  /// Shut, they hold calls, uploads and creates before anything happens.
  public let callGate = Gate()
  public let uploadGate = Gate()
  public let createGate = Gate()
  let state = Locked(State())

  public init(
    _ name: String = "openai", account: String? = nil, searchable: Bool = true,
    cancellable: Bool = true, isInline: Bool = false, endpoints: Set<Endpoint> = Endpoint.openAI,
    largestBatchRows: Int = 50_000, embeddings: EmbeddingLimits? = nil
  ) {
    self.name = name
    self.account = account ?? "\(name)-key"
    capabilities = ProviderCapabilities(
      batchWay: isInline ? .inline : .file, batchSearch: searchable ? .label : nil, cancellable: cancellable,
      endpoints: endpoints,
      largestBatchRows: largestBatchRows, largestBatchBytes: 180 << 20, embeddings: embeddings)
  }

  // MARK: The script

  /// The next uses of the operation meet these, one each.
  public func fail(_ operation: Operation, _ faults: Fault...) {
    state.withLock { $0.faults[operation, default: []] += faults }
  }

  /// Faults that no use of the operation has met yet.
  public func pendingFaults(_ operation: Operation) -> Int { state.withLock { $0.faults[operation]?.count ?? 0 } }

  /// What becomes of each created batch, by its number from 0 and its rows.
  public func onBatch(_ plot: @escaping @Sendable (Int, [BatchRow]) -> BatchPlot) { state.withLock { $0.plot = plot } }

  /// The outcome of each call, by its number from 0. Called under a lock: it must not call the provider.
  public func onCall(_ answer: @escaping @Sendable (Int, ProviderCall) -> CallOutcome) {
    state.withLock { $0.answer = answer }
  }

  /// The next create makes two batches, as two processes would.
  public func copyNextCreate() { state.withLock { $0.copies += 1 } }

  /// Sees every use of an operation. Called under a lock: it must not use the provider.
  public func onUse(_ watch: @escaping @Sendable (Operation) -> Void) { state.withLock { $0.watch = watch } }

  /// Unfinished batches may have so many tokens of input from here on, ten for each row; a batch above it fails and names
  /// the limit.
  public func setEnqueuedCap(_ cap: Int?) { state.withLock { $0.enqueuedCap = cap } }

  /// The rows of each batch that failed for the cap.
  public var refusedForTokens: [[BatchRow]] { state.withLock { $0.refusedForTokens } }

  /// No body that asks for this endpoint can be sent.
  public func object(to endpoint: Endpoint, _ text: String) { state.withLock { $0.objections[endpoint] = text } }

  public func objection(to body: RequestBody, endpoint: Endpoint) -> String? {
    state.withLock { $0.objections[endpoint] }
  }

  /// The same provider with other keys.
  public func setStandIns(_ providers: ScriptedProvider...) { state.withLock { $0.standIns = providers } }

  public func standIns(for account: String) -> [any Provider] {
    account == self.account ? [] : state.withLock { $0.standIns }
  }

  // MARK: The record

  /// The rows of every batch that was created.
  public var created: [[BatchRow]] { state.withLock { $0.created } }
  public var calls: [ProviderCall] { state.withLock { $0.calls } }
  public var paid: [Paid] { state.withLock { $0.paid } }
  public var batchIDs: [String] { state.withLock { $0.batches.keys.sorted() } }
  public var deletedFiles: [String] { state.withLock { $0.deletedFiles } }
  /// What did not keep to the port's contract.
  public var complaints: [String] { state.withLock { $0.complaints } }
  public func count(_ operation: Operation) -> Int { state.withLock { $0.counts[operation] ?? 0 } }

  // MARK: Calls

  public func call(_ call: ProviderCall) async -> CallOutcome {
    let number = state.withLock { state in
      state.calls.append(call)
      return state.calls.count - 1
    }
    guard await callGate.passUnlessCancelled() else {
      return CallOutcome(
        disposition: .retryable(retryAfter: nil), response: nil, usage: nil, mayHaveBeenPaid: true, message: "cancelled"
      )
    }
    return state.withLock { state in
      let outcome = state.answer(number, call)
      if outcome.disposition == .succeeded { state.paid.append(Paid(customID: nil, body: call.body.bytes)) }
      return outcome
    }
  }

  public static let usage = Usage(inputTokens: 10, cachedInputTokens: 2, outputTokens: 5)

  public static func success(of call: ProviderCall) -> CallOutcome {
    CallOutcome(
      disposition: .succeeded, response: response(200), usage: usage, mayHaveBeenPaid: true, message: "")
  }

  public static func failure(_ disposition: Disposition, status: Int? = 500) -> CallOutcome {
    CallOutcome(
      disposition: disposition, response: status.map { response($0) }, usage: nil, mayHaveBeenPaid: status == nil,
      message: "scripted failure")
  }

  static func response(_ status: Int) -> ProviderResponse {
    ProviderResponse(statusCode: status, requestID: "req", body: Array(#"{"status":\#(status)}"#.utf8))
  }

  // MARK: Faults

  /// Returns whether the operation's answer is to be lost.
  func begin(_ operation: Operation) throws(ProviderError) -> Bool {
    let fault = state.withLock { state -> Fault? in
      state.counts[operation, default: 0] += 1
      state.watch(operation)
      guard let fault = state.faults[operation]?.first else { return nil }
      state.faults[operation]?.removeFirst()
      return fault
    }
    switch fault {
    case nil: return false
    case .refused(let error): throw error
    case .answerLost: return true
    }
  }

  static let lostAnswer = ProviderError(
    .unavailable(retryAfter: nil), isAmbiguous: true, message: "scripted loss of an answer")
}
