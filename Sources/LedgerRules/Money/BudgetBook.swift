package import BatchCore
package import Ledger

/// What the open transaction has read and changed of budgets, so that each is read, and written, once.
package struct BudgetBook {
  package struct Key: Hashable, Comparable {
    package var key: String
    package var period: Timestamp

    package init(_ key: String, _ period: Timestamp) {
      self.key = key
      self.period = period
    }

    package static func == (left: Key, right: Key) -> Bool {
      left.period == right.period && left.key.isSame(as: right.key)
    }

    package func hash(into hasher: inout Hasher) {
      key.hashBytes(into: &hasher)
      hasher.combine(period)
    }

    package static func < (left: Key, right: Key) -> Bool {
      left.key.isSame(as: right.key)
        ? left.period < right.period : left.key.utf8.lexicographicallyPrecedes(right.key.utf8)
    }
  }

  package struct Share {
    package var request: Int64
    package var key: Key
    package var reserved: Int64
    package var spent: Int64

    package init(request: Int64, key: Key, reserved: Int64, spent: Int64) {
      self.request = request
      self.key = key
      self.reserved = reserved
      self.spent = spent
    }
  }

  private var balances: [Key: BudgetBalance] = [:]
  package private(set) var changed: Set<Key> = []
  /// New ones.
  package private(set) var shares: [Share] = []
  /// Requests of which something ended.
  package var touched: Set<Int64> = []
  private var foreseen: Set<Key> = []
  private var foreseenRequests: Set<Int64> = []

  package init() {}

  package func balance(_ key: Key) -> BudgetBalance? { balances[key] }

  package mutating func load(_ key: Key, _ balance: BudgetBalance) { balances[key] = balance }

  package mutating func add(_ key: Key, spent: Int64, reserved: Int64) {
    guard spent != 0 || reserved != 0 else { return }
    var balance = balances[key] ?? BudgetBalance()
    balance.spent = BudgetBalance.sum(balance.spent, spent)
    balance.reserved = BudgetBalance.sum(balance.reserved, reserved)
    balances[key] = balance
    changed.insert(key)
  }

  /// Notes what the transaction will need, before it needs any.
  package mutating func foresee(_ requests: [NewRequest]) {
    for request in requests {
      guard case .call(let call) = request.content else { continue }
      for claim in call.budgets { foreseen.insert(Key(claim.key, claim.period.start)) }
    }
  }

  /// Notes that attempts of these will end.
  package mutating func foresee(_ outcomes: [AttemptOutcome]) {
    foreseenRequests.formUnion(outcomes.lazy.map(\.id.rawValue))
  }

  package mutating func takeForeseen() -> (keys: Set<Key>, requests: Set<Int64>) {
    defer { (foreseen, foreseenRequests) = ([], []) }
    return (foreseen, foreseenRequests)
  }

  package mutating func append(_ share: Share) { shares.append(share) }

  /// The shares go into the store.
  package mutating func takeShares() -> [Share] {
    defer { shares = [] }
    return shares
  }

  /// What is to be written, in one order everywhere.
  package mutating func takeChanged() -> [(Key, BudgetBalance)] {
    defer { changed = [] }
    return changed.sorted().map { ($0, balances[$0] ?? BudgetBalance()) }
  }
}

/// What a store has of a request's part in a budget, and what it comes to now.
package struct SettledShare {
  /// More than an attempt can cost; what is reported beyond it is no cost.
  package static let most: Int64 = 10_000_000_000_000_000

  package var share: BudgetBook.Share
  package var isFinished: Bool
  /// What its attempts have cost, and may have.
  package var spentNow: Int64

  package init(share: BudgetBook.Share, isFinished: Bool, spentNow: Int64) {
    self.share = share
    self.isFinished = isFinished
    self.spentNow = spentNow
  }
}
