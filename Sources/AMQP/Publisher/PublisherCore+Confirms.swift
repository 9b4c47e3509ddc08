import Logging
import Threading
import Wire

// The half that learns what became of messages: by confirms, by their absence, and by a channel that is closed.
extension PublisherCore {
  func confirmDeadline(now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
    guard let oldest = tracker.oldest, !activeTime.isPaused else { return nil }
    let limit = isStalled ? limits.confirmTimeout : min(limits.stallTimeout, limits.confirmTimeout)
    // Not at once: while a large message is written, the oldest may have waited longer already.
    return now + max(oldest.writtenAt + limit - activeTime.elapsed(now: now) + .milliseconds(1), .milliseconds(50))
  }

  func checkConfirms(_ connection: Connection, now: ContinuousClock.Instant) throws(AMQPError) {
    guard !activeTime.isPaused, let oldest = tracker.oldest else { return }
    // A large message may take its time as long as the socket takes it.
    let waited = partial == nil ? activeTime.elapsed(now: now) - oldest.writtenAt : connection.stalled(now: now)
    if waited > limits.stallTimeout, !isStalled {
      isStalled = true
      status.set(.stalled(reason: "the broker has confirmed nothing for \(limits.stallTimeout)"))
    }
    if waited > limits.confirmTimeout {
      throw AMQPError(
        .timedOut, "\(connection.handle.broker.endpoint) confirmed nothing for \(limits.confirmTimeout)")
    }
  }

  func acknowledged(tag: UInt64, multiple: Bool, positive: Bool) {
    Failpoint.confirm.before()
    defer { Failpoint.confirm.after() }
    var settled: UInt64 = 0
    tracker.acknowledged(tag: tag, multiple: multiple, positive: positive) { item, outcome in
      settled += 1
      switch outcome {
      case .confirmed: settle(item, .confirmed)
      case .returned(let code, let text): settle(item, .returned(code: code, text: text))
      case .refused: settle(item, .refused)
      }
    }
    if positive { changes.confirms += settled } else { changes.refusals += settled }
    if isStalled, settled > 0, let connection {
      isStalled = false
      status.set(.connected(connection.handle.broker))
    }
    guard tracker.isEmpty, let window = suspectWindow else { return }
    suspectWindow = queue.hasSuspects ? min(window * 2, limits.maxUnconfirmed) : nil
  }

  func lostChannel(code: UInt16, text: String) {
    changes.channelCloses += 1
    ready = false
    channelClosed = true
    partial = nil
    var suspects = tracker.removeAll()
    logger.warning(
      "the broker closed the publishing channel",
      metadata: ["code": "\(code)", "text": "\(text)", "unconfirmed": "\(suspects.count)"])
    let culprit = code == 403 || code == 404 ? suspects.first { $0.message.isBlocked(by: text) } : nil
    if let exchange = culprit?.message.exchange {
      // All that is meant for a missing or forbidden exchange shares its fate: to find out one by one would close a
      // channel for each.
      for item in suspects where item.message.exchange == exchange { settle(item, .rejected(code: code, text: text)) }
      suspects.removeAll { $0.message.exchange == exchange }
      return putBack(suspects, window: limits.maxUnconfirmed)
    }
    if suspects.count == 1 {
      // Codes from 500 on speak of the broker or of the connection, not of the message.
      settle(suspects[0], code < 500 ? .rejected(code: code, text: text) : .unknown)
      return
    }
    putBack(suspects, window: max(suspects.count / 4, 1))
  }

  private func putBack(_ suspects: [PublishItem], window: Int) {
    queue.putBack(suspects)
    if !suspects.isEmpty { suspectWindow = window }
  }
}
