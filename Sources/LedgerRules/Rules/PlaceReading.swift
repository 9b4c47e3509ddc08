package import BatchCore
package import Ledger

/// What is read of the places of batches and of what was learned about them.
package protocol PlaceReading {
  /// What unfinished batches but this one have reserved.
  func enqueuedTokens(account: String, model: String, besides batch: BatchID) throws -> Int64
  /// Batches but this one that were created after then or have their place, and the first create of them.
  func creates(account: String, after: Timestamp, besides batch: BatchID) throws -> (count: Int, first: Timestamp?)
  /// What was learned of it; of the account itself under no model.
  func facts(account: String, model: String) throws -> [LearnedFact]
  /// Accounts and models with unfinished batches, or with something learned.
  func known() throws -> [(account: String, model: String)]
}

extension PlaceReading {
  /// Of an account, besides the facts of its models.
  var createsFact: String { "creates_per_hour" }

  /// How an account stands by what is used of it.
  package func standing(account: String, model: String, _ usage: BatchUsage) throws -> BatchStanding {
    var facts: [BatchLessons.Fact: Int64] = [:]
    for fact in try self.facts(account: account, model: model) {
      // What another version has learned is left alone.
      if let what = BatchLessons.Fact(rawValue: fact.what) { facts[what] = fact.value }
    }
    let creates = try self.facts(account: account, model: "").first { $0.what == createsFact }
    return BatchStanding(
      account: account, model: model, usage: usage, lessons: BatchLessons(facts),
      creates: creates.map { CreateLesson(creates: Int(clamping: $0.value), at: $0.at) })
  }

  package func standings(at now: Timestamp) throws -> [BatchStanding] {
    try known().map { account, model in
      // No batch has this number, so none is left out.
      let nobody = BatchID(0)
      let creates = try creates(account: account, after: now + .seconds(-3600), besides: nobody)
      let usage = BatchUsage(
        enqueuedTokens: try enqueuedTokens(account: account, model: model, besides: nobody), creates: creates.count,
        firstCreate: creates.first)
      return try standing(account: account, model: model, usage)
    }
  }
}

/// Something that was learned of an account or of one of its models, as it is kept.
package struct LearnedFact: Sendable {
  package var what: String
  package var value: Int64
  package var at: Timestamp

  package init(what: String, value: Int64, at: Timestamp) {
    self.what = what
    self.value = value
    self.at = at
  }
}
