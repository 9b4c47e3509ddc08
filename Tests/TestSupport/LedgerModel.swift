import BatchCore
import Ledger
import Wire

/// What a ledger should hold, kept as simply as can be: the other side of the random walk.
struct LedgerModel {
  enum State: Equatable {
    case accepted
    case parked
    /// With false the process that called is gone.
    case claimed(live: Bool)
    case inBatch(BatchID)
    case finished(Answer)
  }

  /// What every reply of a call must say.
  struct Answer: Equatable {
    var failure: FailureCode?
    var text: String?

    var isReplayable: Bool { failure == nil || failure == .providerRejected }
  }

  struct Call {
    var leader: RequestID
    var body: String
    var state: State
    var custody: Custody
    var attempt: Int
    var counted = 0
    /// By correlation ID, in the order in which they came.
    var subscribers: [(correlation: String, id: RequestID)]

    func subscriber(_ correlation: String) -> RequestID? {
      subscribers.first { $0.correlation == correlation }?.id
    }
  }

  struct Entry {
    var id: RequestID
    var urgency: ReplyUrgency
    /// Where it was when it was taken.
    var place: Int64?
  }

  /// Every generation of a key.
  var calls: [String: [Call]] = [:]
  /// Conflicts by key, correlation ID and body.
  var conflicts: [[String]: RequestID] = [:]
  var answers: [RequestID: Answer] = [:]
  var outbox: [Entry] = []
  var rows: Set<RequestID> = []

  /// Puts a reply at the end of its part of the outbox, where it may be already.
  mutating func ready(_ id: RequestID, _ answer: Answer, _ urgency: ReplyUrgency) {
    answers[id] = answer
    outbox.append(Entry(id: id, urgency: urgency))
  }

  mutating func finish(_ key: String, _ generation: Int, _ answer: Answer, _ urgency: ReplyUrgency) {
    calls[key]?[generation].state = .finished(answer)
    for subscriber in calls[key]?[generation].subscribers ?? [] { ready(subscriber.id, answer, urgency) }
  }

  mutating func delivered(_ replies: [TakenReply]) {
    outbox.removeAll { entry in entry.place.map { replies.contains(TakenReply(entry.id, at: $0)) } ?? false }
  }

  /// The next replies of a part, as the ledger must give them.
  ///
  /// - Parameter places: Where they are by what the ledger says.
  mutating func take(_ urgency: ReplyUrgency, _ places: [Int64], _ limit: Int) -> [RequestID] {
    var taken: [RequestID] = []
    for index in outbox.indices
    where outbox[index].place == nil && outbox[index].urgency == urgency && taken.count < limit {
      outbox[index].place = taken.count < places.count ? places[taken.count] : 0
      taken.append(outbox[index].id)
    }
    return taken
  }

  mutating func restart() {
    for index in outbox.indices { outbox[index].place = nil }
    for (key, generations) in calls {
      for (generation, call) in generations.enumerated() {
        guard case .claimed = call.state else { continue }
        if call.custody == .broker {
          calls[key]?[generation].state = .claimed(live: false)
        } else {
          calls[key]?[generation].state = .parked
          calls[key]?[generation].counted += 1
        }
      }
    }
  }

  func find(where matches: (Call) -> Bool) -> [(key: String, generation: Int, call: Call)] {
    calls.sorted { $0.key < $1.key }.flatMap { key, generations in
      generations.enumerated().filter { matches($0.element) }.map { (key, $0.offset, $0.element) }
    }
  }

  // MARK: Admission

  /// What the ledger must say, with the row if it is one that is known.
  mutating func admit(_ delivery: TestDelivery) -> (kind: Admission.Kind?, id: RequestID?, apply: Change) {
    let correlation = delivery.correlation ?? ""
    let key = "\(delivery.kind) \(delivery.key)\(delivery.kind == .messageID ? delivery.body : "")"
    guard let generation = calls[key].map({ $0.count - 1 }), let call = calls[key]?[generation] else {
      return (.new(attempt: 1), nil, .generation(key))
    }
    if delivery.kind == .key && call.body != delivery.body {
      let conflict = [key, correlation, delivery.body]
      return (nil, conflicts[conflict], .conflict(conflict))
    }
    let known = call.subscriber(correlation)
    switch call.state {
    case .finished(let answer):
      if answer.isReplayable || (known != nil && delivery.redelivered) {
        return (.answered, known, .answered(key, generation))
      }
      return (.new(attempt: 1), nil, .generation(key))
    case .claimed(live: false):
      return (.takenOver(attempt: call.attempt + 1), known, .takenOver(key, generation))
    case .accepted, .parked, .claimed, .inBatch:
      return (.inFlight, known, .joined(key, generation))
    }
  }

  enum Change {
    case generation(String)
    case conflict([String])
    case answered(String, Int)
    case takenOver(String, Int)
    case joined(String, Int)
  }

  mutating func apply(_ change: Change, _ delivery: TestDelivery, id: RequestID) {
    let correlation = delivery.correlation ?? ""
    rows.insert(id)
    let kept: State = delivery.lane == .deferred ? .accepted : .parked
    switch change {
    case .generation(let key):
      let isClaim = delivery.custody == .broker
      calls[key, default: []].append(
        Call(
          leader: id, body: delivery.body, state: isClaim ? .claimed(live: true) : kept, custody: delivery.custody,
          attempt: isClaim ? 1 : 0, subscribers: [(correlation, id)]))
    case .conflict(let key):
      conflicts[key] = id
      ready(id, Answer(failure: .idempotencyConflict), delivery.urgency)
    case .answered(let key, let generation):
      join(key, generation, correlation, id)
      if case .finished(let answer) = calls[key]?[generation].state { ready(id, answer, delivery.urgency) }
    case .takenOver(let key, let generation):
      join(key, generation, correlation, id)
      calls[key]?[generation].counted += 1
      if delivery.custody == .ledger {
        calls[key]?[generation].state = kept
        calls[key]?[generation].custody = .ledger
      } else {
        calls[key]?[generation].state = .claimed(live: true)
        calls[key]?[generation].attempt += 1
      }
    case .joined(let key, let generation):
      join(key, generation, correlation, id)
    }
  }

  private mutating func join(_ key: String, _ generation: Int, _ correlation: String, _ id: RequestID) {
    if calls[key]?[generation].subscriber(correlation) != nil { return }
    calls[key]?[generation].subscribers.append((correlation, id))
  }
}

extension TestDelivery {
  fileprivate var urgency: ReplyUrgency {
    request(at: Timestamp(milliseconds: 0)).queue == .interactive ? .urgent : .bulk
  }
}
