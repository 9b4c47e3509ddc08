package import BatchCore
package import Ledger

/// What is read of the places of batches and of what was learned about them.
package protocol PlaceReading {
  /// What was estimated of unfinished batches but this one that have their place.
  ///
  /// - Parameter stuckBefore: Apart, those whose create began before then and whose fate is not known yet.
  func enqueuedTokens(
    account: String, model: String, besides batch: BatchID, stuckBefore: Timestamp
  ) throws -> (tokens: Int64, stuck: Int64)
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

  /// Longer than it takes to find out, where that can be done.
  private var doubt: Duration { .seconds(900) }

  /// How an account stands by what is used of it, without this batch.
  package func standing(account: String, model: String, besides batch: BatchID, at now: Timestamp) throws
    -> BatchStanding
  {
    let lessons = try lessons(account: account, model: model, at: now)
    let enqueued = try enqueuedTokens(
      account: account, model: model, besides: batch, stuckBefore: now + (.zero - doubt))
    // Nobody waits for what may never end, so that no worst case is made of it.
    let stuck = min(lessons.expected(enqueued.stuck), lessons.scaled(enqueued.stuck))
    let used = try creates(account: account, after: now + .seconds(-3600), besides: batch)
    let creates = try facts(account: account, model: "").first { $0.what == createsFact }
    return BatchStanding(
      account: account, model: model,
      usage: BatchUsage(
        enqueuedTokens: Self.sum(lessons.scaled(enqueued.tokens), stuck), stuckTokens: stuck, creates: used.count,
        firstCreate: used.first),
      lessons: lessons, creates: creates.map { CreateLesson(creates: Int(clamping: $0.value), at: $0.at) })
  }

  private static func sum(_ first: Int64, _ second: Int64) -> Int64 {
    let (sum, overflow) = first.addingReportingOverflow(second)
    return overflow ? .max : sum
  }

  package func lessons(account: String, model: String, at now: Timestamp) throws -> BatchLessons {
    var lessons = try keptLessons(account: account, model: model)
    lessons.expire(at: now)
    return lessons
  }

  /// As they were written last.
  func keptLessons(account: String, model: String) throws -> BatchLessons {
    var facts: [BatchLessons.Fact: Int64] = [:]
    for fact in try self.facts(account: account, model: model) {
      // What another version has learned is left alone.
      if let what = BatchLessons.Fact(rawValue: fact.what) { facts[what] = fact.value }
    }
    return BatchLessons(facts)
  }

  package func standings(at now: Timestamp) throws -> [BatchStanding] {
    // No batch has this number, so none is left out.
    try known().map { account, model in try standing(account: account, model: model, besides: BatchID(0), at: now) }
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
