import BatchCore
package import Ledger

extension [NewRequest] {
  /// Whether a call or an answer waits for their commit: what comes from the interactive queue.
  package var areUrgent: Bool { contains { $0.queue == .interactive } }
}

extension [AttemptOutcome] {
  /// Whether somebody waits for one of them. What a batch brings has taken minutes.
  package var areUrgent: Bool { contains { $0.urgency == .urgent } }
}

extension NewRequest {
  /// How soon its reply is wanted when it is ready at once: poison, and what has been answered before.
  var urgency: ReplyUrgency { queue == .interactive ? .urgent : .bulk }
}

extension [TakenReply] {
  /// Whether one of these is urgent: its delivery counts among the unacked ones.
  package var areUrgent: Bool { contains { ReplyPlace.urgency(of: $0.place) == .urgent } }
}

extension ParkedClaim {
  /// Whether somebody waits for what it takes.
  package var isUrgent: Bool { line.callClass == .interactive }
}
