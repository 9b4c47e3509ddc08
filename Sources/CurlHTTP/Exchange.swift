import Threading

/// What the caller's task and the client's thread share about one request.
final class Exchange: Sendable {
  /// Where the response goes.
  enum Delivery: Sendable {
    case collected(OneShot<Result<HTTPResponse, HTTPError>>)
    case streamed(head: OneShot<Result<HTTPResponseHead, HTTPError>>, body: BodyChannel)
  }

  let request: HTTPRequest
  /// Scheme, host and port, for messages.
  let server: String
  let delivery: Delivery
  let feed: UploadFeed?

  init(request: HTTPRequest, server: String, delivery: Delivery) {
    self.request = request
    self.server = server
    self.delivery = delivery
    if case .stream(let length, _) = request.body, length > 0 { feed = UploadFeed(length: length) } else { feed = nil }
  }

  /// Ends the exchange without a response.
  func fail(_ error: HTTPError) {
    feed?.close()
    switch delivery {
    case .collected(let response):
      response.succeed(.failure(error))
    case .streamed(let head, let body):
      head.succeed(.failure(error))
      body.finish(error)
    }
  }
}
