import CCurl
import Threading

/// Runs all transfers of a client on one thread.
///
/// Requests come in through a locked inbox rather than as jobs of the actor: the caller waits for its response anyway,
/// and a batch of requests then costs one wake-up.
actor TransferEngine: EventLoopDriver {
  enum Command: Sendable {
    case start(Exchange)
    case cancel(Exchange)
    case resumeReceiving(Exchange)
    case resumeSending(Exchange)
  }

  private struct Inbox {
    var commands: [Command] = []
    var isClosed = false
  }

  nonisolated let thread: EventThread
  private nonisolated let inbox = Locked(Inbox())
  private let configuration: HTTPClientConfiguration
  private let multi: MultiHandle
  private let turn = Turn()
  private var transfers: [ObjectIdentifier: Transfer] = [:]
  /// No limit of time is reached before this.
  private var nextSweep = Moment.never

  nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe thread.asUnownedSerialExecutor() }

  init(configuration: HTTPClientConfiguration, thread: EventThread) {
    self.configuration = configuration
    self.thread = thread
    multi = MultiHandle(configuration: configuration)
  }

  /// Queues a command. False when the engine is closed.
  @discardableResult
  nonisolated func post(_ command: Command) -> Bool {
    let accepted = inbox.withLock { inbox in
      if inbox.isClosed { return false }
      inbox.commands.append(command)
      return true
    }
    if accepted { thread.wakeUp() }
    return accepted
  }

  nonisolated func turn(wake: CInt) {
    assumeIsolated { $0.runTurn(wake: wake) }
  }

  /// Fails what is in flight and closes every connection.
  func close() {
    let left = inbox.withLock { inbox -> [Command] in
      inbox.isClosed = true
      defer { inbox.commands = [] }
      return inbox.commands
    }
    for case .start(let exchange) in left { exchange.fail(Self.shutDown(exchange, mayHaveBeenSent: false)) }
    for transfer in Array(transfers.values) {
      finish(transfer, .failure(Self.shutDown(transfer.exchange, mayHaveBeenSent: transfer.mayHaveBeenSent)))
    }
    multi.close()
  }

  static func shutDown(_ exchange: Exchange, mayHaveBeenSent: Bool) -> HTTPError {
    HTTPError(
      kind: .shutDown, requestMayHaveBeenSent: mayHaveBeenSent,
      message: "the HTTP client was shut down before the request to \(exchange.server) was done")
  }

  // MARK: One turn

  private func runTurn(wake: CInt) {
    turn.now = .now()
    takeCommands()
    if multi.timer <= turn.now { multi.runTimers() }
    settle()
    let next = min(multi.timer, nextSweep)
    multi.wait(wake: wake, timeout: turn.now.milliseconds(until: next)) { turn.now = .now() }
    settle()
  }

  private func takeCommands() {
    let commands = inbox.withLock { inbox -> [Command] in
      var commands: [Command] = []
      swap(&commands, &inbox.commands)
      return commands
    }
    for command in commands {
      switch command {
      case .start(let exchange): start(exchange)
      case .cancel(let exchange): cancel(exchange)
      case .resumeReceiving(let exchange): resume(exchange) { $0.resumeReceiving() }
      case .resumeSending(let exchange): resume(exchange) { $0.resumeSending() }
      }
    }
  }

  /// Does what callbacks could not, ends what is done, and enforces the limits of time.
  private func settle() {
    while !turn.resumed.isEmpty {
      var resumed: [Transfer] = []
      swap(&resumed, &turn.resumed)
      for transfer in resumed { resume(transfer.exchange) { $0.resumeSending() } }
    }
    while let (context, code) = unsafe multi.nextDone() {
      let transfer = unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
      finish(transfer, transfer.ended(code))
    }
    if nextSweep <= turn.now { sweep() }
  }

  private func sweep() {
    nextSweep = .never
    for transfer in Array(transfers.values) {
      transfer.sample()
      if let (moment, limit) = transfer.deadline {
        if moment <= turn.now {
          finish(transfer, transfer.expired(limit))
          continue
        }
        nextSweep = min(nextSweep, moment)
      }
      nextSweep = min(nextSweep, transfer.earliestDeadline)
    }
  }

  // MARK: Transfers

  private func start(_ exchange: Exchange) {
    guard let easy = EasyHandle() else { return exchange.fail(Self.noMemory(exchange)) }
    easy.prepare(exchange, configuration: configuration)
    let transfer = Transfer(exchange, easy: easy, turn: turn)
    easy.report(to: transfer, uploads: transfer.isUpload)
    guard easy.failure == nil, multi.add(easy) else { return exchange.fail(Self.noMemory(exchange)) }
    transfers[ObjectIdentifier(exchange)] = transfer
    nextSweep = min(nextSweep, transfer.earliestDeadline, transfer.deadline?.at ?? .never)
  }

  private func cancel(_ exchange: Exchange) {
    // It may have ended meanwhile.
    guard let transfer = transfers[ObjectIdentifier(exchange)] else { return }
    finish(
      transfer,
      .failure(
        HTTPError(
          kind: .cancelled, requestMayHaveBeenSent: transfer.mayHaveBeenSent,
          message: "the request to \(exchange.server) was cancelled")))
  }

  private func resume(_ exchange: Exchange, _ action: (Transfer) -> Void) {
    guard let transfer = transfers[ObjectIdentifier(exchange)] else { return }
    action(transfer)
    // What libcurl delivered in between may have failed, and it reports no end for that.
    if let failure = transfer.failure { finish(transfer, .failure(failure)) }
  }

  private func finish(_ transfer: Transfer, _ result: Result<Void, HTTPError>) {
    guard transfers.removeValue(forKey: ObjectIdentifier(transfer.exchange)) != nil else { return }
    multi.remove(transfer.easy)
    transfer.deliver(result)
  }

  private static func noMemory(_ exchange: Exchange) -> HTTPError {
    HTTPError(
      kind: .internalError, requestMayHaveBeenSent: false,
      message: "no memory to start a request to \(exchange.server)")
  }
}
