import Providers
import Synchronization

/// A transport that gives the same answer to everything, in pieces where it is a stream.
final class DamagedHTTP: HTTPExchanging {
  struct Answer: Sendable {
    var status = 200
    var headers: [HTTPExchange.Header] = []
    var body: [UInt8] = []
    /// Where a stream is split.
    var split = 0
  }

  private let state = Mutex((answer: Answer(), exchanges: 0))
  /// More exchanges than this for one question are a hang: a list that leads to itself.
  static let mostExchanges = 2000

  func set(_ answer: Answer) { state.withLock { $0 = (answer, 0) } }

  private func next() throws(HTTPExchange.Failure) -> Answer {
    let (answer, exchanges) = state.withLock { state in
      state.exchanges += 1
      return state
    }
    guard exchanges <= Self.mostExchanges else {
      fatalError("one question led to more than \(Self.mostExchanges) exchanges")
    }
    return answer
  }

  func send(_ request: HTTPExchange.Request) async throws(HTTPExchange.Failure) -> HTTPExchange.Response {
    let answer = try next()
    return HTTPExchange.Response(status: answer.status, headers: answer.headers, body: answer.body)
  }

  func open(_ request: HTTPExchange.Request) async throws(HTTPExchange.Failure) -> HTTPExchange.OpenResponse {
    let answer = try next()
    let split = min(answer.split, answer.body.count)
    let pieces = Pieces([Array(answer.body[..<split]), Array(answer.body[split...])])
    return HTTPExchange.OpenResponse(status: answer.status, headers: answer.headers, body: pieces)
  }
}

actor Pieces: HTTPExchange.ByteSource {
  private var pieces: ArraySlice<[UInt8]>

  init(_ pieces: [[UInt8]]) {
    self.pieces = pieces[...]
  }

  func next() async throws(HTTPExchange.Failure) -> [UInt8]? { pieces.popFirst() }
}
