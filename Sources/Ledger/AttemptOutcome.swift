public import BatchCore

/// The end of one attempt, and what follows for its request.
public struct AttemptOutcome: Sendable {
  /// How many attempts a request may have. Counted are those whose verdict carries a limit.
  public struct Limit: Hashable, Sendable {
    public var maximumAttempts: Int
    /// What the request is answered when this attempt was its last.
    public var failure: Failure

    public init(maximumAttempts: Int, failure: Failure) {
      self.maximumAttempts = maximumAttempts
      self.failure = failure
    }
  }

  public enum Verdict: Hashable, Sendable {
    /// The request has its outcome: `failure` is nil for a success. A definite refusal of the provider is a failure
    /// `provider_rejected` with its response.
    case finish(Failure?)
    /// Another attempt will be made by this process: an interactive claim goes on.
    case again(Limit)
    /// Back to the accepted rows, for a new window not before the given time. Without a limit the attempt says nothing
    /// about the request (its batch was refused whole, or was cancelled by us) and does not count.
    case requeue(notBefore: Timestamp, Limit?)
    /// Back to the parked rows of the interactive lane, not before the given time. Needs the ledger's custody.
    case park(notBefore: Timestamp, Limit?)
  }

  public var id: RequestID
  /// The attempt's number, from 1.
  public var attempt: Int
  /// The batch that carried it, if one did.
  public var batch: BatchID?
  public var verdict: Verdict
  public var response: ProviderResponse?
  public var usage: Usage?
  public var cost: PicoUSD?
  public var basis: CostBasis
  /// What the same tokens cost synchronously, with the prompt cache as it was and without one; nil where that is not known.
  public var listCost: PicoUSD?
  public var fullCost: PicoUSD?
  /// Where it was sent; nil where whoever reports its end does not know: then where its request is to go.
  public var route: Route?
  /// Whether the provider may have billed it although there is no usage to settle.
  public var costUnknown: Bool
  /// The request's body, kept with a failure that will be dead-lettered when the broker had custody.
  public var body: RequestBody?
  /// How soon its reply is wanted, and so its commit.
  public var urgency: ReplyUrgency

  public init(
    id: RequestID, attempt: Int, batch: BatchID?, verdict: Verdict, response: ProviderResponse? = nil,
    usage: Usage? = nil, cost: PicoUSD? = nil, basis: CostBasis = .unknown, costUnknown: Bool = false,
    body: RequestBody? = nil, urgency: ReplyUrgency = .bulk, route: Route? = nil, listCost: PicoUSD? = nil,
    fullCost: PicoUSD? = nil
  ) {
    self.id = id
    self.attempt = attempt
    self.batch = batch
    self.verdict = verdict
    self.response = response
    self.usage = usage
    self.cost = cost
    self.basis = basis
    self.costUnknown = costUnknown
    self.body = body
    self.urgency = urgency
    self.route = route
    self.listCost = listCost
    self.fullCost = fullCost
  }
}

/// What the ledger did with an attempt's end.
public enum RecordedOutcome: Hashable, Sendable {
  /// The attempt ended and the request goes on as the verdict says.
  case applied
  /// The request has its outcome, by verdict or because its attempts are used up: replies of all subscribers are in the
  /// outbox.
  case finished
  /// The request already had its outcome: the cost is kept as superseded, nothing is published.
  case superseded
  /// The same attempt was recorded before: nothing changed.
  case duplicate
  /// No such request, or the attempt was never made.
  case unknown
}
