/// The transport that providers speak through. The module owns this port; an adapter outside fulfils it.
///
/// An implementation follows no redirects, repeats nothing that is marked `mustNotRepeat`, verifies TLS, and obeys the
/// cancellation of its task by failing with `cancelled`.
public protocol HTTPExchanging: Sendable {
  /// Sends a request and collects the whole answer, of whatever status.
  /// - Throws: when there is no complete answer within the request's limits.
  func send(_ request: HTTPExchange.Request) async throws(HTTPExchange.Failure) -> HTTPExchange.Response

  /// Sends a request and returns with the head of the answer; the body is read at the caller's pace.
  ///
  /// `maximumResponseBytes` does not bound the body here. A body that is dropped before its end ends the exchange.
  func open(_ request: HTTPExchange.Request) async throws(HTTPExchange.Failure) -> HTTPExchange.OpenResponse
}
