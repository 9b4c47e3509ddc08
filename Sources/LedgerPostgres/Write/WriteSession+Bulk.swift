import BatchCore
import Ledger
import LedgerRules
import Wire

/// The common cases of many rows at once: a statement for all of them, and the rules, row by row, for what is left.
extension WriteSession {
  func admit(_ requests: [NewRequest], at now: Timestamp) throws -> [Admission] {
    var admissions = [Admission?](repeating: nil, count: requests.count)
    var fresh: [(index: Int, key: CallKey, seed: RowSeed)] = []
    for (index, request) in requests.enumerated() where !mustLookFirst(request) {
      let seed = try leaderSeed(request, generation: 0, at: now)
      fresh.append((index, CallKey(request.envelope.identity), seed))
    }
    // In one order everywhere, so that two replicas with the same requests don't wait for each other in a ring.
    fresh.sort { ($0.key.lockNumber, $0.index) < ($1.key.lockNumber, $1.index) }
    if !fresh.isEmpty {
      let inserted = try statements().admissions.insert(fresh.map { (requests[$0.index], $0.seed) }, self)
      for row in fresh.sorted(by: { $0.index < $1.index }) where inserted.contains(row.seed.id) {
        admissions[row.index] = try self.inserted(requests[row.index], row.seed, at: now)
      }
    }
    return try requests.enumerated().map { index, request in
      try admissions[index] ?? admitKnown(request, at: now)
    }
  }

  func record(_ outcomes: [AttemptOutcome], at now: Timestamp) throws -> [RecordedOutcome] {
    var ends: [(outcome: AttemptOutcome, failure: Failure?, answer: Int64)] = []
    var indexes: [Int: Int] = [:]
    var named: Set<RequestID> = []
    for (index, outcome) in outcomes.enumerated() {
      // What makes no sense, and a second end of one request, is for the rules.
      guard named.insert(outcome.id).inserted, case .finish(let failure) = outcome.verdict,
        failure != nil || outcome.response != nil
      else { continue }
      indexes[index] = ends.count
      ends.append((outcome, failure, try makeAttemptID()))
    }
    if ends.isEmpty { return try outcomes.map { try record($0, at: now) } }
    let finished = try statements().outcomes.finishCurrent(ends, at: now)
    let followers = try statements().outcomes.followers(of: Array(finished))
    return try outcomes.enumerated().map { index, outcome in
      guard let place = indexes[index], finished.contains(outcome.id.rawValue) else {
        return try record(outcome, at: now)
      }
      try keep(outcome, as: ends[place].answer, of: outcome.id.rawValue, at: now)
      for follower in followers[outcome.id.rawValue] ?? [] {
        try finish(follower, ends[place].failure, countingAttempts: 0, answer: nil, at: now)
        try ready(follower, outcome.urgency, again: false)
      }
      return .finished
    }
  }

  func reroute(_ rows: [RequestID], to route: Route) throws {
    // In one order everywhere, so that two replicas don't wait for each other.
    try statements().requests.setRoute(try id(of: route), of: rows.map(\.rawValue).sorted(), owner: replica)
  }
}
