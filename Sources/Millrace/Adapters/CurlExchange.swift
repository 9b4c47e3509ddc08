import CurlHTTP
import Providers
import Threading

/// The providers' transport, on libcurl.
struct CurlExchange: HTTPExchanging {
  let client: HTTPClient
  /// For what is streamed, which are the files of batches: a thread that has hundreds of megabytes to encrypt keeps no call
  /// waiting.
  let files: HTTPClient

  func send(_ request: HTTPExchange.Request) async throws(HTTPExchange.Failure) -> HTTPExchange.Response {
    do throws(HTTPError) {
      let client = if case .stream = request.body { files } else { client }
      let response = try await client.send(translate(request))
      return HTTPExchange.Response(
        status: response.head.status, headers: response.head.headers, body: response.body)
    } catch {
      throw HTTPExchange.Failure(error)
    }
  }

  func open(_ request: HTTPExchange.Request) async throws(HTTPExchange.Failure) -> HTTPExchange.OpenResponse {
    var request = request
    request.limits.maximumResponseBytes = .max
    do throws(HTTPError) {
      let response = try await files.stream(translate(request))
      return HTTPExchange.OpenResponse(
        status: response.head.status, headers: response.head.headers, body: Body(response: response))
    } catch {
      throw HTTPExchange.Failure(error)
    }
  }

  /// The rest of a streamed answer.
  private final class Body: HTTPExchange.ByteSource {
    private let response: HTTPStreamingResponse

    init(response: HTTPStreamingResponse) {
      self.response = response
    }

    func next() async throws(HTTPExchange.Failure) -> [UInt8]? {
      do throws(HTTPError) {
        // Iterators share the body's one position.
        var iterator = response.body.makeAsyncIterator()
        return try await iterator.next()
      } catch {
        throw HTTPExchange.Failure(error)
      }
    }
  }

  private func translate(_ request: HTTPExchange.Request) -> HTTPRequest {
    let body: HTTPBody? =
      switch request.body {
      case nil: nil
      case .bytes(let bytes): .bytes(bytes)
      case .segments(let segments): .segments(segments)
      case .stream(let length, let source): .stream(length: length) { UploadSource(source: source) }
      }
    return HTTPRequest(
      method: request.method, url: request.url, headers: request.headers, body: body,
      limits: HTTPLimits(
        connect: request.limits.connect, idle: request.limits.idle, total: request.limits.total,
        maximumResponseBytes: request.limits.maximumResponseBytes))
  }

  private struct UploadSource: HTTPBodySource {
    let source: any HTTPExchange.ByteSource

    mutating func next() async throws -> [UInt8]? { try await source.next() }
  }
}

extension HTTPExchange.Failure {
  fileprivate init(_ error: HTTPError) {
    let kind: Kind =
      switch error.kind {
      case .badURL, .badRequest: .invalidURL
      case .nameNotResolved, .connectFailed: .unreachable
      case .tlsFailed: .tls
      case .connectTimeout: .timedOut(.connect)
      case .idleTimeout: .timedOut(.idle)
      case .totalTimeout: .timedOut(.total)
      case .connectionLost, .protocolError, .internalError: .connectionLost
      case .responseTooLarge: .responseTooLarge
      case .bodySource: .bodySource
      case .cancelled, .shutDown: .cancelled
      }
    self.init(kind, requestMayHaveBeenSent: error.requestMayHaveBeenSent, message: error.message)
  }
}
