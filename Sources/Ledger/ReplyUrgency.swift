/// Whether somebody waits for a reply within seconds, or it takes its turn among thousands.
public enum ReplyUrgency: Hashable, Sendable, CaseIterable {
  /// Answers of the interactive lane.
  case urgent
  /// Everything else.
  case bulk
}
