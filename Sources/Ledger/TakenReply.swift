/// A reply that was taken from the outbox: its request, and where it stood. A request may be there more than once, where its
/// reply is asked for again while it is on its way, and the end of one says nothing about the other.
public struct TakenReply: Hashable, Sendable {
  public var request: RequestID
  /// Below zero where somebody waits for it.
  public var place: Int64

  public init(_ request: RequestID, at place: Int64) {
    self.request = request
    self.place = place
  }
}
