import CCurl
import Threading

/// One exchange while libcurl works on it. Confined to the client's thread.
///
///     queued --socket or name wanted--> connecting --request about to be sent--> exchanging --> (finished)
///        \------------------ a kept connection is free --------------------------/
final class Transfer {
  enum Phase {
    /// Waits for a free connection.
    case queued
    case connecting
    /// From here on bytes of the request may have left.
    case exchanging
  }

  /// How long an upload may stand still once its whole response has come, before it is given up.
  static let lingering = Duration.seconds(2)

  let exchange: Exchange
  let easy: EasyHandle
  let turn: Turn
  private(set) var phase = Phase.queued
  private let started: Moment
  /// When the phase began or, while exchanging, when the last byte moved.
  private var active: Moment
  private var collector = HeaderCollector()
  private var body: [UInt8] = []
  private var received = 0
  /// The socket that libcurl watches for this transfer, or -1.
  private var socket: CInt = -1
  private var written: Int64 = 0
  private var acknowledged: Int64 = 0
  private var upload: UploadReader?
  /// Why this side gave up. libcurl's own code is then a consequence.
  private(set) var failure: HTTPError?
  private var isReceivePaused = false
  private var isSendPaused = false
  /// Whether the whole response is here, although libcurl may still be sending.
  private(set) var isResponseWhole = false

  init(_ exchange: Exchange, easy: EasyHandle, turn: Turn) {
    self.exchange = exchange
    self.easy = easy
    self.turn = turn
    started = turn.now
    active = turn.now
    upload = UploadReader(exchange)
  }

  var limits: HTTPLimits { exchange.request.limits }
  var isUpload: Bool { upload != nil }
  var mayHaveBeenSent: Bool { phase == .exchanging }

  // MARK: Limits of time

  /// The limit that ends it next, and when. Bytes that move put it off.
  var deadline: (at: Moment, limit: HTTPError.Kind)? {
    let total = limits.total.map { started + $0 } ?? .never
    var next: (Moment, HTTPError.Kind)
    switch phase {
    case .queued: next = (.never, .totalTimeout)
    case .connecting: next = (active + limits.connect, .connectTimeout)
    case .exchanging where isResponseWhole: next = (active + min(limits.idle, Self.lingering), .idleTimeout)
    case .exchanging where isReceivePaused: next = (.never, .idleTimeout)
    case .exchanging: next = (active + limits.idle, .idleTimeout)
    }
    if total < next.0 { next = (total, .totalTimeout) }
    return next.0 == .never ? nil : next
  }

  /// No phase that begins from now on can end before this, and nothing need be sampled.
  var earliestDeadline: Moment {
    turn.now + min(limits.connect, isUpload ? limits.idle / 4 : limits.idle, Self.lingering)
  }

  /// Notices bytes that moved without libcurl's knowledge: the kernel takes megabytes of an upload at once, and goes on
  /// sending them while there is nothing for libcurl to do.
  func sample() {
    guard isUpload, phase == .exchanging, socket >= 0 else { return }
    let count = written - SocketProbe.unacknowledged(socket)
    guard count > acknowledged else { return }
    acknowledged = count
    active = turn.now
  }

  /// The result when a limit of time is reached: the response, if it is whole.
  func expired(_ limit: HTTPError.Kind) -> Result<Void, HTTPError> {
    if isResponseWhole && failure == nil { return .success(()) }
    return .failure(
      HTTPError(kind: limit, requestMayHaveBeenSent: mayHaveBeenSent, message: expiryMessage(limit)))
  }

  private func expiryMessage(_ limit: HTTPError.Kind) -> String {
    switch limit {
    case .connectTimeout:
      return "\(exchange.server) was not connected within \(limits.connect)"
    case .totalTimeout:
      return "the request to \(exchange.server) was not done within \(limits.total ?? limits.idle)"
    default:
      let blame = isSendPaused ? "; it waited for the source of its body" : ""
      return "no byte went to or came from \(exchange.server) for \(limits.idle)\(blame)"
    }
  }

  // MARK: What libcurl reports

  /// A connection is being made. False refuses it.
  func connecting() -> Bool {
    switch phase {
    case .queued:
      phase = .connecting
      active = turn.now
      return true
    case .connecting:
      return true
    case .exchanging:
      refuseResending()
      return false
    }
  }

  /// The request is about to be sent. False refuses it.
  ///
  /// libcurl sends a request again, by itself, when a kept connection dies before the first byte of the response. The
  /// server may have acted on it, so the second time is refused, whatever the method.
  func sending() -> Bool {
    if phase == .exchanging {
      refuseResending()
      return false
    }
    phase = .exchanging
    active = turn.now
    return true
  }

  private func refuseResending() {
    fail(
      .connectionLost(.duringRequest),
      "\(exchange.server) closed the connection before it answered; the request was not sent again")
  }

  func watches(_ socket: CInt, _ isWatched: Bool) {
    if isWatched { self.socket = socket } else if self.socket == socket { self.socket = -1 }
  }

  /// Bytes of the body have been given to the kernel.
  func wrote(_ total: Int64) {
    guard total != written else { return }
    written = total
    active = turn.now
  }

  /// A header line. False ends the transfer.
  func receivedHeader(_ line: UnsafeRawBufferPointer) -> Bool {
    active = turn.now
    switch unsafe collector.take(line) {
    case .more: return true
    case .complete: return receivedHead()
    case .malformed: return fail(.protocolError, "\(exchange.server) sent a header line that is no HTTP")
    case .tooLarge:
      return fail(
        .protocolError, "\(exchange.server) sent more than \(HeaderCollector.maximumBytes >> 10) KiB of headers")
    }
  }

  private func receivedHead() -> Bool {
    let status = collector.head.status
    let hasNoBody = exchange.request.method == "HEAD" || status == 204 || status == 304
    if hasNoBody || collector.contentLength == 0 {
      isResponseWhole = true
    } else if let length = collector.contentLength {
      guard length <= limits.maximumResponseBytes else { return failTooLarge() }
      if case .collected = exchange.delivery { body.reserveCapacity(min(Int(length), 1 << 20)) }
    }
    if case .streamed(let head, _) = exchange.delivery { head.succeed(.success(collector.head)) }
    // libcurl stops an upload that was answered with an error, but not one that waits for its source.
    if isSendPaused && status >= 300 { turn.resumed.append(self) }
    return true
  }

  enum Acceptance {
    case taken
    case pause
    case refused
  }

  func receivedBody(_ bytes: UnsafeRawBufferPointer) -> Acceptance {
    active = turn.now
    guard bytes.count <= limits.maximumResponseBytes - received else {
      _ = failTooLarge()
      return .refused
    }
    switch exchange.delivery {
    case .collected:
      unsafe body.append(contentsOf: bytes)
    case .streamed(_, let channel):
      guard unsafe channel.write(bytes) else {
        isReceivePaused = true
        return .pause
      }
    }
    received += bytes.count
    if let length = collector.contentLength, received >= length { isResponseWhole = true }
    return .taken
  }

  /// Fills libcurl's buffer with the next bytes of the body.
  func fill(_ buffer: UnsafeMutableRawBufferPointer) -> UploadReader.Step {
    active = turn.now
    let step = unsafe upload?.fill(buffer) ?? .filled(0)
    switch step {
    case .filled: break
    case .pause: isSendPaused = true
    case .failed(var error):
      error.requestMayHaveBeenSent = true
      error.message += ", sent to \(exchange.server)"
      failure = failure ?? error
    }
    return step
  }

  // MARK: Pauses

  /// The consumer of the response has room again.
  func resumeReceiving() {
    guard isReceivePaused else { return }
    isReceivePaused = false
    active = turn.now
    // libcurl delivers what it kept before this returns, which may pause again.
    easy.pause(receive: false, send: isSendPaused)
  }

  /// The source of the body has bytes again, or sending is to be looked at again.
  func resumeSending() {
    guard isSendPaused else { return }
    isSendPaused = false
    easy.pause(receive: isReceivePaused, send: false)
  }

  // MARK: Ends

  /// What the end of the transfer means, as libcurl tells it.
  func ended(_ code: CURLcode) -> Result<Void, HTTPError> {
    if let failure { return .failure(failure) }
    // The connection was lost after the last byte of the response: only the rest of the upload failed.
    if code == CURLE_OK || isResponseWhole {
      if collector.isComplete { return .success(()) }
      return .failure(
        HTTPError(
          kind: .connectionLost(.duringResponse), requestMayHaveBeenSent: mayHaveBeenSent,
          message: "\(exchange.server) closed the connection within the head of its response"))
    }
    return .failure(
      CurlFailure.error(
        code, server: exchange.server, detail: easy.errorMessage, isConnected: mayHaveBeenSent,
        hasResponse: collector.head.status != 0))
  }

  /// Hands the result over.
  func deliver(_ result: Result<Void, HTTPError>) {
    exchange.feed?.close()
    switch (exchange.delivery, result) {
    case (_, .failure(let error)):
      exchange.fail(error)
    case (.collected(let response), .success):
      response.succeed(.success(HTTPResponse(head: collector.head, body: body)))
    case (.streamed(_, let channel), .success):
      channel.finish(nil)
    }
  }

  @discardableResult
  private func fail(_ kind: HTTPError.Kind, _ message: String) -> Bool {
    failure = failure ?? HTTPError(kind: kind, requestMayHaveBeenSent: mayHaveBeenSent, message: message)
    return false
  }

  private func failTooLarge() -> Bool {
    fail(
      .responseTooLarge,
      "the response of \(exchange.server) is larger than the \(limits.maximumResponseBytes) bytes allowed")
  }
}
