/// What there is to choose from when a batch has endangered rows. Pure.
public struct RescueChoice: Hashable, Sendable {
  /// What rows cost synchronously and in a batch, in pico-USD.
  public struct Price: Hashable, Sendable {
    public var list: Int64
    public var batch: Int64

    public init(list: Int64, batch: Int64) {
      self.list = max(0, list)
      self.batch = max(0, batch)
    }
  }

  /// Of the endangered rows; nil for a model without a known price.
  public var endangered: Price?
  /// Of the others that another batch would not bring in time either: after a cancel they are sent synchronously too.
  public var tight: Price
  /// Of all its rows.
  public var whole: Price
  /// The share of its rows that the provider says has run, from 0 to 1.
  public var done: Double
  public var isCancellable: Bool
  /// Whether a cancelled batch gives the results that it has.
  public var keepsResults: Bool
  /// What may still be paid twice today.
  public var budget: PicoUSD

  public init(
    endangered: Price?, tight: Price, whole: Price, done: Double, isCancellable: Bool, keepsResults: Bool,
    budget: PicoUSD
  ) {
    self.endangered = endangered
    self.tight = tight
    self.whole = whole
    self.done = done.isFinite ? min(max(done, 0), 1) : 0
    self.isCancellable = isCancellable
    self.keepsResults = keepsResults
    self.budget = budget
  }

  /// The cheaper way that is possible; nil if none is, and the answers come late.
  ///
  /// What a cancel costs more than the batch alone: the list price in place of the batch price, for every endangered or
  /// tight row that has not run, and what has run again where its results are lost. What sending twice costs more: the list
  /// price of the endangered rows, on top of what the batch takes for them. It is possible as far as the budget goes.
  public var way: RescueWay? {
    guard let endangered else { return isCancellable ? .cancel : nil }
    let left = keepsResults ? 1 - done : 1
    var cancel = (Self.surplus(endangered) + Self.surplus(tight)) * left
    if !keepsResults { cancel += Double(whole.batch) * done }
    let twice = Double(endangered.list)
    if isCancellable {
      return twice < cancel && endangered.list <= budget.value ? .sendTwice : .cancel
    }
    return budget.value > 0 ? .sendTwice : nil
  }

  private static func surplus(_ price: Price) -> Double { max(0, Double(price.list) - Double(price.batch)) }
}
