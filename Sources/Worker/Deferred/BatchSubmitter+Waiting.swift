import BatchCore
import Ledger
import Logging

/// What a submission waits for: its place within the limits of the account, pauses of the provider, and the next try.
extension BatchSubmitter {
  enum Place: Sendable {
    case granted
    case tooLarge
    case tooLate
    case stopped
  }

  /// Waits for the batch's place within the limits of its account.
  /// - Parameter isFirst: Whether it is not known to have one.
  func takePlace(_ batch: BatchRecord, isFirst: Bool, _ deadline: inout EarliestDeadline) async -> Place {
    let limits = context.room.limits(of: batch.key.provider)
    var signal: Signal?
    defer {
      if signal != nil {
        context.places.leave(batch)
        submitting.enter()
      }
    }
    while !Task.isCancelled {
      let place = await context.retry("ask for a batch's place") { () async throws(LedgerError) in
        try await context.ledger.takePlace(for: batch, limits, at: context.time.now())
      }
      guard let place else { return .stopped }
      context.room.saw(place.standing, provider: batch.key.provider)
      switch place.admission {
      case .granted:
        // Who has had it already takes nothing from others that wait.
        if isFirst || signal != nil { context.places.changed(by: batch) }
        return .granted
      case .tooLarge: return .tooLarge
      case .wait(let wait, let until):
        let woken = context.places.enter(batch, wait, place.standing, limits)
        if signal == nil { submitting.leave() }
        signal = woken
        // What other replicas give back nobody tells us.
        let most: Duration = context.ledger.isShared ? .seconds(2) : .seconds(60)
        let pause = max(.milliseconds(1), min(most, until - context.time.now()))
        switch await deadline.rest(pause, or: woken) {
        case .over: continue
        case .tooLate: return .tooLate
        case .stopped: return .stopped
        }
      }
    }
    return .stopped
  }

  /// Waits while the provider wants to be left alone.
  func pass(
    _ operation: ProviderOperation, at provider: any Provider, _ deadline: inout EarliestDeadline
  ) async -> EarliestDeadline.Rest {
    guard context.holds.pause(operation, at: provider) != nil else { return Task.isCancelled ? .stopped : .over }
    context.holds.enter(operation, provider)
    submitting.leave()
    defer {
      context.holds.leave(operation, provider)
      submitting.enter()
    }
    while let left = context.holds.pause(operation, at: provider) {
      let rest = await deadline.rest(Holds.spread(left))
      if case .over = rest { continue }
      return rest
    }
    return .over
  }

  /// Waits before the next try. What keeps failing shows on the health board.
  func wait(
    after error: ProviderError, attempt: Int, batch: BatchRecord, provider: any Provider,
    _ deadline: inout EarliestDeadline
  ) async -> EarliestDeadline.Rest {
    if attempt >= 3 || error.reason == .storageFull {
      context.health.report(.account(provider.name), "\(provider.name): \(error.message)")
    }
    context.logger.warning(
      "Batch submission waits",
      metadata: ["batch": "\(batch.label)", "attempt": "\(attempt)", "error": "\(error.message)"])
    // A pause that the provider asks for is a hold, which is waited for before the next try.
    if error.reason.pause != nil { return .over }
    return await deadline.rest(delay(after: error, attempt: attempt))
  }

  func delay(after error: ProviderError, attempt: Int) -> Duration {
    var retryAfter: Duration?
    switch error.reason {
    case .rateLimited(let after), .unavailable(let after): retryAfter = after
    case .accountClosed: retryAfter = .seconds(30)
    // Files go when batches are over, or when somebody deletes some.
    case .storageFull: retryAfter = .seconds(60)
    case .rejected, .notFound, .noBatches, .invalidResponse, .cancelled: break
    }
    return context.policy.delay(attempt: min(attempt, 6), retryAfter: retryAfter, random: context.random())
  }
}

extension CallEnd {
  /// What an operation on batches that failed tells the gate of its account. Pauses that are obeyed are kept by kind of
  /// operation, so that the gate need not.
  init(_ problem: ProviderError, longestPause: Duration) {
    let isHeld = problem.reason.pause.map { $0 <= longestPause } ?? false
    switch problem.reason {
    case .rateLimited where isHeld: self.init(.rejected)
    case .rateLimited(let after): self.init(.rateLimited(retryAfter: after))
    case .accountClosed(let fault): self.init(.accountClosed(fault))
    case .unavailable(let after): self.init(.retryable(retryAfter: isHeld ? nil : after))
    case .invalidResponse: self.init(.retryable(retryAfter: nil))
    case .rejected, .notFound, .noBatches, .storageFull: self.init(.rejected)
    case .cancelled: self.init(nil)
    }
  }
}
