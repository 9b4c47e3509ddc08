import BatchCore
import Ledger

/// Decides when marks of one request queue have no message left that they could stand for.
///
/// A mark says that the ack of a row may be lost, so that its message may come again. The broker hands out what it takes
/// back before what it never handed out. So when a channel delivers a fresh message, everything that was taken back before
/// has been handed out, to some channel. What this channel got is in the ledger by then, and has renewed its mark; what
/// another got is in the ledger soon, or is taken back and has been handed out again at the next such look, a pause later.
///
/// ```
/// waiting --> reading --> noted --(some fresh deliveries on one channel, a pause before each)--> proven --> removed
///    ^_______________________| another channel
/// ```
///
/// No clock but that of this process is asked, and nothing is said of marks that were not there when they were noted: they
/// wait for the next round.
struct MarkExpiry {
  /// From when marks are noted, or from one look, until a fresh delivery is the next look. It is longer than it takes
  /// - a broker to see that the connection is gone which the ack was written to: some heartbeats; and
  /// - another replica to take in what it was handed out, or to lose it: a broker takes back what is unacked for 30 minutes
  ///   (`consumer_timeout`).
  ///
  /// What may be held longer is not noted: requests that are not answered and whose custody is the broker's.
  static let pause = Duration.seconds(35 * 60)
  /// At the first look the message of a mark has been handed out; at the second once more if that was lost, and at the third
  /// that is over too. A service that loses what it gets for longer than this cannot serve either.
  static let looks = 3

  enum Step: Equatable {
    /// Read the marks that there are, and say so with `found`.
    case read
    case remove([AckMark])
  }

  private enum Stage {
    case waiting
    case reading(since: Timestamp)
    case noted([AckMark], looks: Int, since: Timestamp)
    case proven([AckMark])
  }

  private var stage = Stage.waiting
  /// The channel that delivered last.
  private var channel: UInt64?
  /// Redeliveries that are on their way into the ledger.
  private var redelivered = 0

  /// - Parameter generation: the channel's, which no other has: what it delivers now and delivered before it delivered
  ///   without a break.
  mutating func arrived(on generation: UInt64, fresh: Int, redelivered: Int, at now: Timestamp) {
    self.redelivered += redelivered
    if channel != generation {
      channel = generation
      switch stage {
      case .reading, .noted: stage = .waiting
      case .waiting, .proven: break
      }
    }
    guard case .noted(let marks, let looks, let since) = stage, !marks.isEmpty else { return }
    guard fresh > 0, self.redelivered == 0, now - since >= Self.pause else { return }
    stage = looks + 1 < Self.looks ? .noted(marks, looks: looks + 1, since: now) : .proven(marks)
  }

  /// Redeliveries are in the ledger, or will come again on another channel.
  mutating func taken(redelivered: Int) { self.redelivered -= redelivered }

  /// What is to be done now, if anything.
  mutating func step(at now: Timestamp) -> Step? {
    switch stage {
    case .waiting:
      if channel == nil { return nil }
    case .noted(let marks, _, let since):
      // Where there are none they are read again later.
      guard marks.isEmpty, now - since >= Self.pause else { return nil }
    case .reading: return nil
    case .proven(let marks):
      stage = .waiting
      return .remove(marks)
    }
    stage = .reading(since: now)
    return .read
  }

  /// - Parameter marks: nil if they could not be read.
  mutating func found(_ marks: [AckMark]?) {
    // Another channel may have come meanwhile.
    guard case .reading(let since) = stage else { return }
    stage = marks.map { .noted($0, looks: 0, since: since) } ?? .waiting
  }
}
