package import BatchCore
package import Ledger

/// The places of batches within the limits of their account.
extension LedgerTables {
  /// A batch that waits asks again well within this time; one that does not is in nobody's way.
  private static var askingLapse: Duration { .seconds(120) }

  package func takePlace(for batch: BatchRecord, _ limits: BatchLimits, at now: Timestamp) throws -> BatchPlace {
    try lockPlaces()
    guard try state(of: batch.id)?.state == .planned else {
      throw InvalidOperation("batch \(batch.id.rawValue) is not planned and needs no place")
    }
    let (account, model) = (batch.account, batch.key.model)
    var standing = try standing(account: account, model: model, besides: batch.id, at: now)
    let isHeld = try place(of: batch.id) != nil
    standing.usage.isBehindAnother =
      try !isHeld
      && isBehindAnother(batch.id, account: account, model: model, since: now + (.zero - Self.askingLapse))
    var admission = BatchAdmission.decide(
      tokens: batch.tokens, rows: batch.rowCount, limits, standing.lessons, creates: standing.creates, standing.usage,
      now: now)
    // A place is kept, also over a restart, unless it is known meanwhile that the batch would be refused.
    if isHeld, case .wait(.createsPerHour, _) = admission {
      admission = .granted(tokens: standing.lessons.scaled(batch.tokens))
    }
    switch admission {
    case .granted(let tokens):
      try setPlace(batch.id, tokens: tokens, at: now)
      standing.usage.enqueuedTokens =
        standing.usage.enqueuedTokens.addingReportingOverflow(tokens)
        .partialValue
      standing.usage.creates += 1
    case .wait: try setPlace(batch.id, tokens: nil, at: now)
    case .tooLarge: break
    }
    return BatchPlace(admission: admission, standing: standing)
  }

  package func learn(
    _ lesson: BatchLesson, from batch: BatchRecord, random: UInt64, at now: Timestamp
  ) throws -> BatchStanding {
    try lockPlaces()
    let standing = try standing(account: batch.account, model: batch.key.model, besides: batch.id, at: now)
    let usage = standing.usage
    var lessons = standing.lessons
    let own = lessons.scaled(batch.tokens)
    switch lesson {
    case .ran:
      try setRan(batch.id, at: now)
      try setPlace(batch.id, tokens: 0, at: now)
      lessons.ran(own: own, others: usage.enqueuedTokens, now: now)
    case .refusedTokens(let named):
      try setPlace(batch.id, tokens: 0, at: now)
      lessons.refusedTokens(named: named, own: own, others: usage.enqueuedTokens, now: now, random: random)
    case .measured(let reported, let estimated):
      lessons.measured(reported: reported, estimated: estimated, inBatch: true)
    case .refusedRows(let named): lessons.refusedRows(Int64(batch.rowCount), named: named)
    case .refusedBytes(let bytes, let named): lessons.refusedBytes(bytes, named: named)
    case .refusedCreate(let pause):
      if let learned = CreateLesson(refusedAfter: usage.creates, pause: pause, now: now) {
        try setFact(createsFact, Int64(learned.creates), account: batch.account, model: "", at: now)
      }
    }
    // What has expired is written as forgotten.
    let kept = try keptLessons(account: batch.account, model: batch.key.model)
    try keep(lessons, kept, account: batch.account, model: batch.key.model, at: now)
    return try self.standing(account: batch.account, model: batch.key.model, besides: batch.id, at: now)
  }

  package func learn(_ measures: [TokenMeasure], at now: Timestamp) throws {
    try lockPlaces()
    for measure in measures {
      let (account, model) = (measure.key.account, measure.key.model)
      let before = try keptLessons(account: account, model: model)
      var lessons = before
      lessons.expire(at: now)
      lessons.measured(reported: measure.reported, estimated: measure.estimated, inBatch: false)
      try keep(lessons, before, account: account, model: model, at: now)
    }
  }

  private func keep(
    _ lessons: BatchLessons, _ before: BatchLessons, account: String, model: String, at now: Timestamp
  ) throws {
    let (old, new) = (before.facts, lessons.facts)
    for fact in BatchLessons.Fact.allCases where old[fact] != new[fact] {
      try setFact(fact.rawValue, new[fact], account: account, model: model, at: now)
    }
  }
}
