import BatchCore
import Ledger
import Wire

/// A seeded walk over a ledger beside a model of it: after every step both must say the same, and at the end every
/// request must have been answered, always with the same answer.
public struct LedgerRandomWalk: ~Copyable {
  private let ledger: TestLedger
  private var random: SplitMix
  private var model = LedgerModel()
  private var recorded: [AttemptOutcome] = []
  private var taken: [TakenReply] = []
  private var ledgerIDs: [RequestID: String] = [:]
  private var answered: Set<RequestID> = []
  private var texts = 0

  public static func run(in place: LedgerPlace, seed: UInt64, steps: Int) async throws {
    var walk = LedgerRandomWalk(try await TestLedger(place), seed: seed)
    for step in 0..<steps {
      do {
        try await walk.step()
      } catch let failure as ConformanceFailure {
        throw ConformanceFailure(description: "seed \(seed), step \(step): \(failure)")
      }
    }
    try await walk.finish()
    await walk.ledger.close()
  }

  private init(_ ledger: TestLedger, seed: UInt64) {
    self.ledger = ledger
    random = SplitMix(state: seed)
  }

  private mutating func step() async throws {
    ledger.advance(by: .milliseconds(10))
    switch random.below(100) {
    case ..<45: try await admit()
    case ..<55: try await plan()
    case ..<62: try await takeParked()
    case ..<78: try await record()
    case ..<81: try await recordAgain()
    case ..<83: try await abandon()
    case ..<91: try await take(random.below(2) == 0 ? .urgent : .bulk, limit: 1 + random.below(8))
    case ..<98: try await deliver()
    default: try await restart()
    }
  }

  // MARK: Steps

  private mutating func admit() async throws {
    var deliveries: [TestDelivery] = []
    for _ in 0...random.below(4) {
      let index = random.below(8)
      deliveries.append(
        TestDelivery("k\(index)") {
          $0.kind = index < 5 ? .key : .messageID
          $0.body = random.below(6) == 0 ? "other" : "body"
          $0.correlation = "c\(random.below(3))"
          $0.redelivered = random.below(3) == 0
          $0.lane = random.below(2) == 0 ? .deferred : .interactive
          $0.custody = $0.lane == .deferred || random.below(3) == 0 ? .ledger : .broker
        })
    }
    let admissions = try await ledger.store.admit(deliveries.map { $0.request(at: ledger.now) }, at: ledger.now)
    for (delivery, admission) in zip(deliveries, admissions) { try check(admission, delivery) }
  }

  private mutating func check(_ admission: Admission, _ delivery: TestDelivery) throws {
    let (kind, id, change) = model.admit(delivery)
    if let kind {
      try requireEqual(admission.kind, kind)
    } else {
      guard case .refused(let failure) = admission.kind else { throw ConformanceFailure(description: "\(admission)") }
      try requireEqual(failure.code, .idempotencyConflict)
    }
    if let id { try requireEqual(admission.id, id) } else { try require(!model.rows.contains(admission.id)) }
    let text = ledgerIDs[admission.id, default: admission.ledgerID.text]
    try requireEqual(admission.ledgerID.text, text)
    if id == nil { try require(!ledgerIDs.values.contains(text), "a second row with the ledger id \(text)") }
    ledgerIDs[admission.id] = text
    model.apply(change, delivery, id: admission.id)
  }

  private mutating func plan() async throws {
    let rows = try await ledger.store.acceptedRows(after: nil, limit: 1000)
    let wanted = model.find { $0.state == .accepted }
    try requireEqual(rows.map(\.id), wanted.map(\.call.leader).sorted())
    if rows.isEmpty { return }
    let batch = try unwrap(try await ledger.plan(rows.map(\.id)).batch)
    for found in wanted {
      model.calls[found.key]?[found.generation].state = .inBatch(batch.id)
      model.calls[found.key]?[found.generation].attempt += 1
    }
  }

  private mutating func takeParked() async throws {
    let route = TestDelivery("").route
    let calls = try await ledger.store.takeParked(
      provider: route.provider, model: route.model, limit: 3, at: ledger.now)
    let parked = model.find { $0.state == .parked }
    try requireEqual(calls.count, min(3, parked.count))
    for call in calls {
      let found = try unwrap(parked.first { $0.call.leader == call.id })
      try requireEqual(call.attempt, found.call.attempt + 1)
      model.calls[found.key]?[found.generation].state = .claimed(live: true)
      model.calls[found.key]?[found.generation].attempt += 1
    }
  }

  private mutating func record() async throws {
    let open = model.find {
      if case .inBatch = $0.state { return true }
      return $0.state == .claimed(live: true)
    }
    guard !open.isEmpty else { return }
    let (key, generation, call) = open[random.below(open.count)]
    let limit = AttemptOutcome.Limit(maximumAttempts: 3, failure: Failure(.providerUnavailable, "used up"))
    var verdicts: [AttemptOutcome.Verdict] = [
      .finish(nil), .finish(nil), .finish(Failure(.providerRejected, "no")), .finish(Failure(.resultMissing, "no")),
    ]
    if call.custody == .ledger {
      verdicts += [.requeue(notBefore: ledger.now, limit), .requeue(notBefore: ledger.now, nil)]
    }
    if call.state == .claimed(live: true) { verdicts.append(.again(limit)) }
    try await record(verdicts[random.below(verdicts.count)], key, generation, call)
  }

  private mutating func record(
    _ verdict: AttemptOutcome.Verdict, _ key: String, _ generation: Int, _ call: LedgerModel.Call
  ) async throws {
    texts += 1
    let text = "text \(texts)"
    var batch: BatchID?
    if case .inBatch(let id) = call.state { batch = id }
    // Any subscriber's row stands for the call.
    let id = call.subscribers[random.below(call.subscribers.count)].id
    let outcome = AttemptOutcome(
      id: id, attempt: call.attempt, batch: batch, verdict: verdict, response: TestLedger.answer(text),
      cost: PicoUSD(1), basis: .list, urgency: random.below(2) == 0 ? .urgent : .bulk)
    let found = try await ledger.record(outcome)
    recorded.append(outcome)
    let isLast = call.counted + 1 >= 3
    switch verdict {
    case .finish(let failure):
      try requireEqual(found, .finished)
      model.finish(key, generation, LedgerModel.Answer(failure: failure?.code, text: text), outcome.urgency)
    case .again(let limit), .requeue(_, .some(let limit)), .park(_, .some(let limit)):
      try requireEqual(found, isLast ? .finished : .applied)
      if isLast {
        return model.finish(
          key, generation, LedgerModel.Answer(failure: limit.failure.code, text: text), outcome.urgency)
      }
      model.calls[key]?[generation].counted += 1
      if case .again = verdict {
        model.calls[key]?[generation].attempt += 1
      } else {
        model.calls[key]?[generation].state = .accepted
      }
    case .requeue, .park:
      try requireEqual(found, .applied)
      model.calls[key]?[generation].state = .accepted
    }
  }

  private mutating func recordAgain() async throws {
    guard !recorded.isEmpty else { return }
    try requireEqual(try await ledger.record(recorded[random.below(recorded.count)]), .duplicate)
  }

  private mutating func abandon() async throws {
    guard let batch = try await ledger.store.openBatches().randomElement(using: &random) else { return }
    try await ledger.store.abandon(batch.id, notBefore: ledger.now, limit: nil, at: ledger.now)
    for found in model.find(where: { $0.state == .inBatch(batch.id) }) {
      model.calls[found.key]?[found.generation].state = .accepted
    }
  }

  private mutating func take(_ urgency: ReplyUrgency, limit: Int) async throws {
    let replies = try await ledger.store.takeReplies(urgency, limit: limit, maximumBytes: 1 << 20)
    try requireEqual(replies.map(\.id), model.take(urgency, replies.map(\.place), limit))
    for reply in replies {
      let answer = try unwrap(model.answers[reply.id])
      try requireEqual(reply.failure?.code, answer.failure)
      try requireEqual(reply.response?.body, answer.text.map { TestLedger.answer($0).body })
      try requireEqual(reply.ledgerID.text, ledgerIDs[reply.id])
      answered.insert(reply.id)
    }
    taken += replies.map(\.taken)
  }

  private mutating func deliver() async throws {
    taken.shuffle(using: &random)
    let count = random.below(taken.count + 1)
    let ended = Array(taken.prefix(count))
    taken.removeFirst(count)
    try await ledger.store.delivered(ended, at: ledger.now)
    model.delivered(ended)
  }

  private mutating func restart() async throws {
    try await ledger.reopen()
    model.restart()
    taken = []
  }

  // MARK: The end

  private mutating func finish() async throws {
    // Messages whose process died come again.
    for found in model.find(where: { $0.state == .claimed(live: false) }) {
      let parts = found.key.split(separator: " ")
      let isKey = parts[0] == "key"
      let delivery = TestDelivery.interactive(isKey ? String(parts[1]) : String(parts[1].prefix(2))) {
        $0.kind = isKey ? .key : .messageID
        $0.body = found.call.body
        $0.correlation = found.call.subscribers[0].correlation
        $0.redelivered = true
      }
      try check(try await ledger.admit(delivery), delivery)
    }
    while true {
      try await plan()
      try await takeParked()
      let open = model.find {
        if case .inBatch = $0.state { return true }
        return $0.state == .claimed(live: true)
      }
      guard let (key, generation, call) = open.first else { break }
      try await record(.finish(nil), key, generation, call)
    }
    try await restart()
    for urgency in ReplyUrgency.allCases { try await take(urgency, limit: .max) }
    try await ledger.store.delivered(taken, at: ledger.now)
    try requireEqual(answered, model.rows)
    try require(try await ledger.store.backlog().isEmpty)
    try await ledger.reopen()
    try require(try await ledger.takeReplies().isEmpty)
  }
}
