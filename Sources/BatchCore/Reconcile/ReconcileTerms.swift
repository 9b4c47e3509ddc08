/// What a reconciliation rests on.
public struct ReconcileTerms: Hashable, Sendable {
  /// How long a create may be on its way, and a batch unlisted, after it was last heard of.
  public var grace: Duration
  /// How long after the fence a batch that was made before it may stay unlisted.
  public var listingLag: Duration
  /// The input file of the unconfirmed create. Nil where the input travels in the create itself: there is no fence then.
  public var inputFileID: String?
  /// Whether batches can be searched at all.
  public var isSearchable: Bool
  /// Whether finding nothing means that there is nothing: with the key that the batch was made with.
  public var isConclusive: Bool
  /// Before it nothing is concluded from finding nothing, on the clock of `Reconciler`: somebody else may yet write the
  /// create.
  public var earliestConclusion: Timestamp?

  public init(
    grace: Duration, listingLag: Duration, inputFileID: String?, isSearchable: Bool = true, isConclusive: Bool = true,
    earliestConclusion: Timestamp? = nil
  ) {
    self.grace = grace
    self.listingLag = listingLag
    self.inputFileID = inputFileID
    self.isSearchable = isSearchable
    self.isConclusive = isConclusive
    self.earliestConclusion = earliestConclusion
  }
}
