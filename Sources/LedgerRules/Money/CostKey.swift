package import BatchCore
package import Ledger

/// A row of daily costs: whatever costs are added up by.
package struct CostKey: Hashable, Sendable {
  /// From 1970, UTC.
  package var day: Int64
  package var payer: Payer
  /// 0 where it is not known.
  package var route: Int64
  /// 0 for a synchronous call.
  package var batch: Int64

  /// Whom a request is charged to; a tag that it does not have is empty.
  package struct Payer: Hashable, Sendable {
    package var tenant: String
    package var costCenter: String
    package var user: String
    package var service: String
    package var environment: String

    package init(tenant: String, costCenter: String, user: String, service: String, environment: String) {
      self.tenant = tenant
      self.costCenter = costCenter
      self.user = user
      self.service = service
      self.environment = environment
    }

    private var texts: [String] { [tenant, costCenter, user, service, environment] }

    package static func == (left: Payer, right: Payer) -> Bool {
      zip(left.texts, right.texts).allSatisfy { $0.isSame(as: $1) }
    }

    package func hash(into hasher: inout Hasher) {
      for text in texts { text.hashBytes(into: &hasher) }
    }
  }

  package init(endedAt: Timestamp, payer: Payer, route: Int64, batch: Int64) {
    day = endedAt.day
    self.payer = payer
    self.route = route
    self.batch = batch
  }
}

extension Timestamp {
  package static let dayMilliseconds: Int64 = 86_400_000

  /// Whole days since 1970, UTC.
  package var day: Int64 {
    let (quotient, remainder) = milliseconds.quotientAndRemainder(dividingBy: Self.dayMilliseconds)
    return remainder < 0 ? quotient - 1 : quotient
  }
}

extension CostSums {
  /// What one attempt came to.
  ///
  /// - Parameters:
  ///   - held: What it may have cost at most, if that is not known.
  ///   - estimated: What its input was estimated at.
  package init(_ outcome: AttemptOutcome, _ end: AttemptEnd, held: Int64?, estimated: Int64) {
    self.init()
    attempts = 1
    let isSuperseded = end == .superseded
    if isSuperseded { superseded = 1 }
    if outcome.costUnknown {
      unknown = 1
      self.held = Int128(held ?? 0)
    }
    if let usage = outcome.usage {
      inputTokens = Int128(usage.inputTokens)
      cachedInputTokens = Int128(usage.cachedInputTokens)
      cacheWriteTokens = Int128(usage.cacheWriteTokens)
      outputTokens = Int128(usage.outputTokens)
      answers = 1
      estimatedTokens = Int128(estimated)
      if outcome.cost == nil { unpriced = 1 }
    }
    guard let cost = outcome.cost?.value else { return }
    self.cost = Int128(cost)
    if isSuperseded { supersededCost = Int128(cost) }
    listCost = Int128(outcome.listCost?.value ?? cost)
    fullCost = Int128(outcome.fullCost?.value ?? outcome.listCost?.value ?? cost)
  }

  /// A lost attempt, as it was counted.
  package init(lost isUnknown: Bool, held: Int64?) {
    self.init()
    attempts = 1
    if isUnknown {
      unknown = 1
      self.held = Int128(held ?? 0)
    }
  }

  /// The sums in one text, in the order of `fields`.
  package var text: String { Self.fields.map { String(self[keyPath: $0]) }.joined(separator: ",") }

  /// Nil for what `text` does not give.
  package init?(text: String) {
    var text = text
    self.init()
    guard text.withUTF8({ add(text: $0) }) else { return nil }
  }

  /// Adds the sums of a text; false, and nothing is added, for what `text` does not give.
  package mutating func add(text: UnsafeBufferPointer<UInt8>) -> Bool {
    var reader = SumReader(text)
    var read = CostSums()
    read.attempts = reader.next()
    read.unknown = reader.next()
    read.unpriced = reader.next()
    read.superseded = reader.next()
    read.inputTokens = reader.next()
    read.cachedInputTokens = reader.next()
    read.cacheWriteTokens = reader.next()
    read.outputTokens = reader.next()
    read.cost = reader.next()
    read.supersededCost = reader.next()
    read.held = reader.next()
    read.listCost = reader.next()
    read.fullCost = reader.next()
    read.answers = reader.next()
    read.estimatedTokens = reader.next()
    guard reader.isRead else { return false }
    self += read
    return true
  }
}
