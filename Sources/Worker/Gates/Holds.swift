import BatchCore
import Ledger
import Logging
import Threading
import Wire

/// The pauses that accounts have asked for, by kind of operation. All batches of an account keep them, not only the one
/// that was told.
///
/// They are forgotten with the process: the first answer teaches them again.
final class Holds: Sendable {
  private struct Key: Hashable {
    var account: String
    var operation: ProviderOperation
  }

  private struct Entry {
    var hold = Hold()
    var waiting = 0
  }

  private let entries = Locked([Key: Entry]())
  /// The longest pause that is obeyed.
  private let longest: Duration
  private let time: any Timekeeper
  private let health: HealthBoard
  private let metrics: WorkerMetrics
  private let alerts: Alerts
  private let logger: Logger

  init(
    longest: Duration, time: any Timekeeper, health: HealthBoard, metrics: WorkerMetrics, alerts: Alerts, logger: Logger
  ) {
    self.longest = longest
    self.time = time
    self.health = health
    self.metrics = metrics
    self.alerts = alerts
    self.logger = logger
  }

  // MARK: Operations

  /// Begins an operation. Returns whether it is the one that tries after a pause that nobody waits out.
  ///
  /// - Throws: without anything being sent, while the account wants to be left alone.
  func begin(_ operation: ProviderOperation, at provider: any Provider) throws(ProviderError) -> Bool {
    let now = time.monotonic()
    let answer = entries.withLock { entries -> Hold.Answer in
      // What was never told has no entry: most accounts have none.
      guard entries[Self.key(operation, provider)] != nil else { return .go }
      return entries[Self.key(operation, provider), default: Entry()].hold.ask(now: now)
    }
    switch answer {
    case .go: return false
    case .probe: return true
    case .wait(let until):
      throw ProviderError(
        .rateLimited(retryAfter: until - now), isAmbiguous: false,
        message: "\(provider.name): \(operation.text) waits for \(Self.seconds(until - now)), as the provider asks")
    }
  }

  /// An operation that was begun has ended.
  func ended(_ operation: ProviderOperation, at provider: any Provider, isProbe: Bool, _ error: ProviderError?) {
    let pause = error?.reason.pause
    guard isProbe || pause != nil else { return }
    let now = time.monotonic()
    let (before, after) = entries.withLock { entries -> (Hold, Hold) in
      var entry = entries[Self.key(operation, provider)] ?? Entry()
      let before = entry.hold
      if let pause { entry.hold.told(pause, longest: longest, now: now) }
      if isProbe {
        entry.hold.probeEnded(Self.probeEnd(error), toldPause: pause, longest: longest, now: now)
      }
      entries[Self.key(operation, provider)] = entry.hold.isFree && entry.waiting == 0 ? nil : entry
      return (before, entry.hold)
    }
    if let pause { report(operation, provider, pause, before, after, now: now) }
    settle(provider)
  }

  private static func probeEnd(_ error: ProviderError?) -> Hold.ProbeEnd {
    switch error?.reason {
    case .cancelled: .notMade
    case .unavailable(nil): .unanswered
    case nil, .unavailable, .rejected, .notFound, .rateLimited, .accountClosed, .noBatches, .storageFull,
      .invalidResponse:
      .answered
    }
  }

  // MARK: Waiting

  /// Until when the account does not want to be asked; nil if it may be asked now.
  func pause(_ operation: ProviderOperation, at provider: any Provider) -> Duration? {
    let now = time.monotonic()
    guard let until = entries.withLock({ $0[Self.key(operation, provider)]?.hold.pause(now: now) }) else { return nil }
    return until - now
  }

  /// Waits as long as the account wants to be left alone, and up to a tenth longer, so that those who wait do not return
  /// together. Returns false when the task is cancelled.
  func wait(_ operation: ProviderOperation, at provider: any Provider) async -> Bool {
    guard pause(operation, at: provider) != nil else { return !Task.isCancelled }
    enter(operation, provider)
    defer { leave(operation, provider) }
    while let left = pause(operation, at: provider) {
      guard (try? await time.sleep(for: Self.spread(left))) != nil else { return false }
    }
    return !Task.isCancelled
  }

  /// A pause with up to a tenth more.
  static func spread(_ pause: Duration) -> Duration {
    let tenth = UInt64(max(0, pause.wholeMilliseconds / 10)) + 1
    return pause + .milliseconds(Int64(UInt64.random(in: 0..<tenth)))
  }

  /// Shows that somebody waits; to be left again.
  func enter(_ operation: ProviderOperation, _ provider: any Provider) {
    let until = entries.withLock { entries -> Timestamp? in
      entries[Self.key(operation, provider), default: Entry()].waiting += 1
      return entries[Self.key(operation, provider)]?.hold.until
    }
    guard let until else { return }
    let end = time.now() + (until - time.monotonic())
    health.report(
      .hold(provider: provider.name, operation.rawValue),
      "\(provider.name) has asked for a pause: its next \(operation.noun) waits until \(RFC3339.format(end))")
  }

  func leave(_ operation: ProviderOperation, _ provider: any Provider) {
    let isLast = entries.withLock { entries -> Bool in
      guard var entry = entries[Self.key(operation, provider)] else { return true }
      entry.waiting = max(0, entry.waiting - 1)
      entries[Self.key(operation, provider)] = entry
      return entry.waiting == 0
    }
    if isLast { health.clear(.hold(provider: provider.name, operation.rawValue)) }
  }

  // MARK: Signals

  private func report(
    _ operation: ProviderOperation, _ provider: any Provider, _ pause: Duration, _ before: Hold, _ after: Hold,
    now: Timestamp
  ) {
    let wait = after.until.map { $0 - now } ?? .zero
    if after.isTooLong, !before.isTooLong {
      let what =
        pause == .unreadableRetryAfter ? "sends a retry-after that cannot be read" : "asks for \(Self.seconds(pause))"
      alerts.raise(
        .retryAfter(provider: provider.name),
        "\(provider.name) \(what) before the next \(operation.noun); one is tried every \(Self.seconds(longest)), "
          + "execution.max_retry_after")
    } else if before.pause(now: now) == nil {
      logger.notice(
        "Provider asks for a pause",
        metadata: [
          "provider": "\(provider.name)", "operation": "\(operation.rawValue)", "seconds": "\(Self.seconds(wait))",
        ])
    }
    metrics.hold(provider: provider.name, operation: operation, isActive: true)
  }

  /// The alert is over when no kind of operation has such a pause any more.
  private func settle(_ provider: any Provider) {
    let isTooLong = entries.withLock { entries in
      entries.contains { $0.key.account == provider.account && $0.value.hold.isTooLong }
    }
    if !isTooLong { alerts.clear(.retryAfter(provider: provider.name)) }
  }

  /// Brings the gauges up to date with pauses that are over; called now and then.
  func refresh(_ providers: some Sequence<any Provider>) {
    let now = time.monotonic()
    for provider in providers {
      for operation in ProviderOperation.allCases {
        let key = Self.key(operation, provider)
        let isActive = entries.withLock { entries -> Bool? in
          guard let entry = entries[key] else { return nil }
          let isActive = entry.hold.pause(now: now) != nil || entry.hold.isTooLong
          if !isActive, entry.waiting == 0 { entries[key] = nil }
          return isActive
        }
        if let isActive { metrics.hold(provider: provider.name, operation: operation, isActive: isActive) }
      }
    }
  }

  private static func key(_ operation: ProviderOperation, _ provider: any Provider) -> Key {
    Key(account: provider.account, operation: operation)
  }

  private static func seconds(_ duration: Duration) -> String {
    let milliseconds = duration.wholeMilliseconds
    return milliseconds % 1000 == 0 ? "\(milliseconds / 1000) s" : "\(milliseconds) ms"
  }
}

extension ProviderOperation {
  /// What a sentence calls it.
  fileprivate var noun: String {
    switch self {
    case .upload: "upload"
    case .create: "batch create"
    case .poll: "batch's state"
    case .fetch: "result file"
    case .search: "list"
    case .delete: "delete"
    case .cancel: "cancel"
    }
  }

  fileprivate var text: String { "a \(rawValue)" }
}

extension ProviderError.Reason {
  /// The pause that the provider asks for; an empty one is none.
  var pause: Duration? {
    switch self {
    case .rateLimited(let after?), .unavailable(let after?): after > .zero ? after : nil
    case .rateLimited, .unavailable, .rejected, .notFound, .accountClosed, .noBatches, .storageFull, .invalidResponse,
      .cancelled:
      nil
    }
  }
}
