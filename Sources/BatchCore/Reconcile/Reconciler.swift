/// Decides what becomes of a batch whose create was not confirmed. Pure, with time passed in.
///
/// ```
/// search --one--> adopt
///   |   `--several--> ask
///   | none
/// grace --> search --none--> delete the input file --> listing lag --> search --none--> resubmit
/// ```
///
/// The deleted input file is the fence: a create that comes after it finds no file and makes no batch, and one that came
/// before it shows in the last search. So what is submitted again is never there twice. It keeps its label; its new input
/// file tells it from anything older.
public struct Reconciler: Sendable {
  public enum Action: Hashable, Sendable {
    /// Search the provider for the label; answer with `found` or `failed`.
    case search
    /// Answer with `waited`.
    case wait(until: Timestamp)
    /// Answer with `inputFileDeleted`, also when it is gone already, or `failed`.
    case deleteInputFile(String)
    /// Only an operator can tell; answer with `told`, or with `waited` at the given time.
    case ask(ReconcileQuestion, until: Timestamp?)
    /// The end: this is the batch.
    case adopt(BatchSnapshot)
    /// The end: the batch has this id, as an operator says.
    case adoptNamed(String)
    /// The end: nothing is there, and nothing can come.
    case resubmit
    /// The end.
    case giveUp
  }

  public enum Event: Hashable, Sendable {
    case found([BatchSnapshot])
    /// The search or the delete could not be carried out; it is to be tried again.
    case failed
    case waited
    case inputFileDeleted
    case told(BatchResolution)
  }

  private enum Stage: Hashable, Sendable {
    case inGrace
    case afterGrace
    /// Since this time. What was made before it may have lost its input.
    case fenced(Timestamp)
  }

  /// How long a batch may stay queued when its input file was deleted, until it counts as one that has its input.
  public static let queuedLimit = Duration.seconds(600)
  /// How often an undecided search is repeated: one of several matches may have failed meanwhile.
  public static let recheckInterval = Duration.seconds(300)

  private let terms: ReconcileTerms
  private let graceEnds: Timestamp
  private var stage = Stage.inGrace
  private var pending = Action.search
  /// An operator has said that nothing is there.
  private var isToldToResubmit = false

  public init(_ terms: ReconcileTerms, at now: Timestamp) {
    self.terms = terms
    let graceEnds = now + terms.grace
    self.graceEnds = max(graceEnds, terms.earliestConclusion ?? graceEnds)
    if !terms.isSearchable { pending = .ask(.notSearchable, until: nil) }
  }

  /// What is to be done now.
  public var action: Action { pending }

  public mutating func handle(_ event: Event, at now: Timestamp) -> Action {
    pending = next(event, at: now)
    return pending
  }

  private mutating func next(_ event: Event, at now: Timestamp) -> Action {
    switch event {
    case .found(let matches): return judge(matches, at: now)
    case .waited: return terms.isSearchable ? .search : pending
    // Also the delete that an operator's word asks for: without it a late create would be there beside the next.
    case .failed: return pending
    case .inputFileDeleted:
      if isToldToResubmit { return .resubmit }
      stage = .fenced(now)
      return .wait(until: now + terms.listingLag)
    case .told(.adopt(let id)): return .adoptNamed(id)
    case .told(.giveUp): return .giveUp
    case .told(.resubmit):
      isToldToResubmit = true
      if case .fenced = stage { return .resubmit }
      return terms.inputFileID.map { .deleteInputFile($0) } ?? .resubmit
    }
  }

  private mutating func judge(_ matches: [BatchSnapshot], at now: Timestamp) -> Action {
    // Nothing in a failed batch ran, so it stands in nobody's way.
    let live = matches.filter { $0.state != .failed }
    if live.count > 1 { return .ask(.severalMatches(live.map(\.id).sorted()), until: now + Self.recheckInterval) }
    let isFenced = if case .fenced = stage { true } else { false }
    // A batch of an earlier create under the label says nothing about this one, which may yet come.
    if let match = live.first, isFenced || !isOfAnotherInput(match) { return adopt(match, at: now) }
    if !isFenced, let file = terms.inputFileID, let failed = matches.first(where: { $0.inputFileID == file }) {
      return .adopt(failed)
    }
    guard terms.isConclusive else { return .ask(.anotherKey, until: now + Self.recheckInterval) }
    switch stage {
    case .inGrace:
      stage = .afterGrace
      return .wait(until: graceEnds)
    case .afterGrace:
      // A search that was repeated for long may end before the grace does.
      if now < graceEnds { return .wait(until: graceEnds) }
      guard let file = terms.inputFileID else {
        stage = .fenced(now)
        return .wait(until: now + terms.listingLag)
      }
      return .deleteInputFile(file)
    case .fenced: return .resubmit
    }
  }

  private func isOfAnotherInput(_ match: BatchSnapshot) -> Bool {
    guard let file = terms.inputFileID, let other = match.inputFileID else { return false }
    return file != other
  }

  private func adopt(_ match: BatchSnapshot, at now: Timestamp) -> Action {
    // One that has not read its input yet is about to fail for want of it.
    guard case .fenced(let since) = stage, terms.inputFileID != nil, match.state == .queued, !isOfAnotherInput(match),
      now - since < Self.queuedLimit
    else { return .adopt(match) }
    return .wait(until: now + max(terms.listingLag, .seconds(1)))
  }
}
