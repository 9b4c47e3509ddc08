import BatchCore
import HeapModule

/// Runs calls through gates against a `PacedProvider` in virtual time, with seeded latencies.
struct PaceSimulation {
  enum Gates {
    /// One process, or several that only know how many they are.
    case own([Pace])
    /// Replicas with one book, which is reached after some milliseconds.
    case shared([SharedPace], PaceBook, latency: Int64)
  }

  private enum Event {
    /// A call arrives at the provider.
    case arrives(replica: Int, Reservation)
    case ends(replica: Int, Reservation, PacedProvider.Answer, tokens: Double)
    case look(replica: Int)
    case exchanged(replica: Int, PaceReport)
  }

  private struct Timed: Comparable {
    var at: Int64
    var number: Int
    var event: Event

    static func < (left: Timed, right: Timed) -> Bool { (left.at, left.number) < (right.at, right.number) }
    static func == (left: Timed, right: Timed) -> Bool { left.number == right.number }
  }

  var provider: PacedProvider
  var gates: Gates
  var limits: PaceLimits
  /// Calls that wait at each replica.
  var waiting: [Int]
  var tokens: Int64 = 90
  var latency: ClosedRange<Int64> = 150...450
  private(set) var now: Int64 = 0
  private(set) var done = 0
  private(set) var finishedAt: Int64 = 0
  private var events = Heap<Timed>()
  private var number = 0
  private var random: SeededGenerator
  private var nextLook: [Int64?]

  init(provider: PacedProvider, gates: Gates, limits: PaceLimits, waiting: [Int], seed: UInt64) {
    (self.provider, self.gates, self.limits, self.waiting) = (provider, gates, limits, waiting)
    random = SeededGenerator(seed: seed)
    nextLook = waiting.map { _ in nil }
  }

  private var timestamp: Timestamp { Timestamp(milliseconds: now) }

  private mutating func schedule(_ event: Event, at time: Int64) {
    number += 1
    events.insert(Timed(at: time, number: number, event: event))
  }

  /// Until all calls are done or the time is over.
  mutating func run(until end: Int64 = 300_000) {
    for replica in waiting.indices { start(replica) }
    while let next = events.popMin(), next.at <= end {
      now = max(now, next.at)
      switch next.event {
      case .look(let replica):
        // An earlier one has taken its place.
        guard nextLook[replica] == next.at else { continue }
        nextLook[replica] = nil
        start(replica)
      case .arrives(let replica, let reservation):
        let used = Double(tokens)
        let answer = provider.call(tokens: used, now: now)
        var delay = Int64.random(in: latency, using: &random)
        if case .accepted = answer {} else { delay = 5 }
        schedule(.ends(replica: replica, reservation, answer, tokens: used), at: now + delay)
      case .ends(let replica, let reservation, let answer, let used):
        settle(replica, reservation, answer, used)
        start(replica)
      case .exchanged(let replica, let report):
        exchange(replica, report)
        start(replica)
      }
      if waiting.allSatisfy({ $0 == 0 }), done > 0, provider.inFlight == 0, finishedAt == 0 { finishedAt = now }
    }
  }

  private mutating func settle(
    _ replica: Int, _ reservation: Reservation, _ answer: PacedProvider.Answer, _ used: Double
  ) {
    let end: CallEnd
    switch answer {
    case .accepted(let observation):
      provider.finish()
      done += 1
      end = CallEnd(
        .succeeded, used: PaceAmount(inputTokens: Int64(used) / 2, outputTokens: Int64(used) - Int64(used) / 2),
        observation: observation, duration: .milliseconds(300))
    case .refused(let observation, let wait):
      waiting[replica] += 1
      end = CallEnd(.rateLimited(retryAfter: wait), used: .zero, observation: observation)
    case .failed:
      waiting[replica] += 1
      end = CallEnd(.retryable(retryAfter: nil))
    }
    switch gates {
    case .own(var paces):
      paces[replica].settle(
        reservation, end, limits, peers: paces.count, now: timestamp, random: random.next())
      gates = .own(paces)
    case .shared(var paces, let book, let latency):
      paces[replica].settle(reservation, end, limits, now: timestamp)
      gates = .shared(paces, book, latency: latency)
    }
  }

  private mutating func start(_ replica: Int) {
    var wake: Int64?
    let estimate = PaceAmount(inputTokens: tokens / 2, outputTokens: tokens - tokens / 2)
    while waiting[replica] > 0 {
      let decision: GateDecision
      switch gates {
      case .own(var paces):
        decision = paces[replica].reserve(estimate, limits, peers: paces.count, now: timestamp)
        gates = .own(paces)
      case .shared(var paces, let book, let latency):
        decision = paces[replica].reserve(estimate, waiting: waiting[replica], now: timestamp)
        gates = .shared(paces, book, latency: latency)
      }
      switch decision {
      case .continue(let reservation):
        waiting[replica] -= 1
        schedule(.arrives(replica: replica, reservation), at: now + Int64.random(in: 0...3, using: &random))
        continue
      case .wait(let until): wake = until.milliseconds
      case .refuse(let refusal): wake = refusal.until.milliseconds
      }
      break
    }
    if case .shared(var paces, let book, let latency) = gates {
      if let due = paces[replica].reportDue(now: timestamp) {
        if due <= timestamp {
          schedule(
            .exchanged(replica: replica, paces[replica].report(now: timestamp, random: random.next())),
            at: now + latency)
          gates = .shared(paces, book, latency: latency)
        } else {
          wake = min(wake ?? due.milliseconds, due.milliseconds)
        }
      }
    }
    if let wake {
      let at = max(now + 1, wake)
      if nextLook[replica].map({ at < $0 }) ?? true {
        nextLook[replica] = at
        schedule(.look(replica: replica), at: at)
      }
    }
  }

  private mutating func exchange(_ replica: Int, _ report: PaceReport) {
    guard case .shared(var paces, var book, let latency) = gates else { return }
    let grant = book.exchange(
      report, from: Int64(replica), live: Set(paces.indices.map(Int64.init)), limits, now: timestamp)
    paces[replica].granted(grant, now: timestamp)
    gates = .shared(paces, book, latency: latency)
  }
}
