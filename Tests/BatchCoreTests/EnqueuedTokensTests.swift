import BatchCore
import Testing

private func at(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: seconds * 1000) }

/// Replicas that share what they learn, against a provider that counts otherwise than they do.
private struct Account {
  enum State: Hashable {
    case asking
    case uploading
    case validating
    case running
    /// Its results are on their way home.
    case over
    case refused
  }

  struct Batch {
    var tokens: Int64
    /// As the provider counts them.
    var counted: Int64
    var state = State.asking
    var until: Int64 = 0
    /// Whether a refusal was known when it was created.
    var isWarned = false
  }

  let cap: Int64
  let ratio: Double
  let limits: BatchLimits
  var random: SeededGenerator
  var now: Int64 = 0
  var lessons = BatchLessons()
  /// What each replica knew when it looked last.
  var views: [BatchLessons]
  var batches: [Int: Batch] = [:]
  var nextNumber = 0
  var left: Int64
  var refusals = 0
  var refusalsOfWarned = 0

  init(seed: UInt64) {
    random = SeededGenerator(seed: seed)
    cap = Int64.random(in: 500...2_000_000, using: &random)
    ratio = Double.random(in: 0.3...1.9, using: &random)
    limits = BatchLimits(enqueuedTokens: Int.random(in: 0..<4, using: &random) == 0 ? cap * 2 : nil)
    views = Array(repeating: BatchLessons(), count: Int.random(in: 1...4, using: &random))
    left = cap * 10
  }

  var isDone: Bool { left <= 0 && batches.isEmpty }

  mutating func tick() {
    let next = batches.values.lazy.filter { $0.state != .asking }.map(\.until).min() ?? .max
    now = max(now + 1, min(next, now + 20))
    for (number, batch) in batches.sorted(by: { $0.key < $1.key }) where batch.state != .asking && batch.until <= now {
      move(number, batch)
    }
    for replica in views.indices where left > 0 { plan(replica) }
    for number in batches.filter({ $0.value.state == .asking }).keys.sorted().shuffled(using: &random) { ask(number) }
  }

  private mutating func become(_ state: State, _ number: Int, within seconds: Int64 = 1) {
    let until = now + Int64.random(in: 1...seconds, using: &random)
    batches[number]?.state = state
    batches[number]?.until = until
  }

  /// Windows close when they are full, and often before.
  private mutating func plan(_ replica: Int) {
    if Int.random(in: 0..<4, using: &random) == 0 { views[replica] = lessons }
    guard Int.random(in: 0..<2, using: &random) == 0, batches.values.count(where: { $0.state == .asking }) < 8 else {
      return
    }
    let full = min(left, views[replica].largestTokens(limits) ?? cap * 3)
    let isFull = Bool.random(using: &random)
    let tokens = isFull ? full : max(min(full, 20), Int64(Double(full) * Double.random(in: 0...1, using: &random)))
    left -= tokens
    let noise = Double.random(in: 0.975...1.025, using: &random)
    batches[nextNumber] = Batch(tokens: tokens, counted: Int64(Double(tokens) * ratio * noise))
    nextNumber += 1
  }

  private func usage(besides number: Int) -> BatchUsage {
    let placed = batches.filter { [.uploading, .validating, .running].contains($0.value.state) && $0.key != number }
    return BatchUsage(
      enqueuedTokens: lessons.scaled(placed.values.reduce(0) { $0 + $1.tokens }),
      isBehindAnother: batches[number]?.state == .asking
        && batches.contains { $0.key < number && $0.value.state == .asking })
  }

  private mutating func ask(_ number: Int) {
    guard let batch = batches[number] else { return }
    let admission = BatchAdmission.decide(
      tokens: batch.tokens, rows: 1000, limits, lessons, creates: nil, usage(besides: number), now: at(now))
    switch admission {
    case .granted where batch.state == .asking:
      become(.uploading, number, within: 60)
    case .granted:
      batches[number]?.isWarned = refusals > 0
      become(.validating, number, within: 60)
    case .wait: become(.asking, number)
    case .tooLarge:
      left += batch.tokens
      batches[number] = nil
      for replica in views.indices { views[replica] = lessons }
    }
  }

  private mutating func move(_ number: Int, _ batch: Batch) {
    switch batch.state {
    case .asking: return
    case .uploading: return ask(number)
    case .validating:
      let others = batches.filter { $0.value.state == .running }.reduce(0) { $0 + $1.value.counted }
      if others + batch.counted > cap {
        become(.refused, number, within: 5)
      } else {
        become(.running, number, within: 600)
      }
    case .running:
      lessons.ran(own: lessons.scaled(batch.tokens), others: usage(besides: number).enqueuedTokens, now: at(now))
      become(.over, number, within: 30)
    case .over:
      lessons.measured(reported: batch.counted, estimated: batch.tokens, inBatch: true)
      batches[number] = nil
    case .refused:
      refusals += 1
      if batch.isWarned { refusalsOfWarned += 1 }
      lessons.refusedTokens(
        named: cap, own: lessons.scaled(batch.tokens), others: usage(besides: number).enqueuedTokens, now: at(now),
        random: random.next())
      left += batch.tokens
      batches[number] = nil
    }
  }
}

@Suite(.timeLimit(.minutes(4)))
struct EnqueuedTokensTests {
  /// Only what was on its way when the first refusal came is refused, and everything comes through.
  @Test(arguments: 0..<60 as Range<UInt64>)
  func nothingIsRefusedAfterTheFirstRefusalIsKnown(seed: UInt64) {
    var account = Account(seed: seed)
    while !account.isDone, account.now < 86_000 { account.tick() }
    #expect(account.isDone, "\(account.left) of \(account.cap * 10) tokens are left")
    #expect(
      account.refusalsOfWarned == 0, "of \(account.refusals), cap \(account.cap), ratio \(account.ratio)")
  }
}
