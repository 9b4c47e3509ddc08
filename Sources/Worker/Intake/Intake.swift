import BatchCore
import Ledger
import Logging
import Wire

/// Takes the deliveries of one queue into the ledger: decode, commit, and only then ack or dispatch.
struct Intake: Sendable {
  var context: WorkerContext
  var source: any DeliverySource
  var decoder: RequestDecoder
  var tokens: any TokenCounting
  var routes: @Sendable (String) -> [Route]
  var gate: IntakeGate.LaneGate
  /// Where new work goes.
  var windows: WindowKeeper
  var calls: CallDispatcher
  var acks: AckTracker
  var marks: MarkKeeper
  var settler: DeliverySettler
  var unrecorded: UnrecordedPoison
  private let turns: DecodingTurns

  init(
    context: WorkerContext, source: any DeliverySource, decoder: RequestDecoder, tokens: any TokenCounting,
    routes: @escaping @Sendable (String) -> [Route], gate: IntakeGate.LaneGate, windows: WindowKeeper,
    calls: CallDispatcher, acks: AckTracker, marks: MarkKeeper, settler: DeliverySettler, unrecorded: UnrecordedPoison
  ) {
    self.context = context
    self.source = source
    self.decoder = decoder
    self.tokens = tokens
    self.routes = routes
    self.gate = gate
    self.windows = windows
    self.calls = calls
    self.acks = acks
    self.marks = marks
    self.settler = settler
    self.unrecorded = unrecorded
    turns = DecodingTurns(lane: source.lane)
  }

  /// Chunks that are decoded and committed at once: enough that a commit never waits for a decode.
  private static let concurrentChunks = 16

  /// Runs until the source ends and everything that it delivered is settled or held.
  func run() async {
    let permits = Permits(Self.concurrentChunks)
    await withDiscardingTaskGroup { group in
      while true {
        await gate.wait()
        guard let chunk = await source.next() else { break }
        let arrivedAt = context.time.monotonic()
        marks.arrived(chunk, of: source.lane, at: arrivedAt)
        // What was delivered before is dealt with alone, so that a message which ends the process takes no other along.
        let (suspects, rest) = chunk.split { RequestDecoder.deliveryCount(of: $0) >= Self.suspectAfter }
        // Apart, since they may have to wait.
        let (again, fresh) = rest.split(\.redelivered)
        for part in [fresh, again] + suspects.map({ [$0] }) where !part.isEmpty {
          // A cancellation must find what was delivered before it, so it waits for everything that is on its way.
          let places = part.contains(where: \.isCancellation) ? Self.concurrentChunks : 1
          for _ in 0..<places { await permits.acquire() }
          group.addTask {
            await self.admit(part, arrivedAt: arrivedAt)
            marks.taken(part, of: source.lane)
            for _ in 0..<places { permits.release() }
          }
        }
      }
    }
  }

  private static let suspectAfter = 3
  /// Longer than a commit takes.
  private static let redeliveryGrace = Duration.seconds(1)

  /// Takes deliveries into the ledger.
  ///
  /// - Parameter rows: What they were attached to, where they were taken in before; as many as there are deliveries.
  func admit(_ deliveries: [Delivery], arrivedAt: Timestamp? = nil, attachedTo rows: [RequestID] = []) async {
    let now = context.time.now()
    var requests: [NewRequest] = []
    var origins: [Delivery] = []
    var cancels: [(request: CancelRequest, delivery: Delivery)] = []
    requests.reserveCapacity(deliveries.count)
    origins.reserveCapacity(deliveries.count)
    await turns.forEach(deliveries) { index, delivery in
      switch decode(delivery, at: now) {
      case .request(let request):
        var request = newRequest(request, delivery, at: now)
        if index < rows.count { request.attachedTo = rows[index] }
        requests.append(request)
        origins.append(delivery)
      case .poison(let poison):
        requests.append(
          NewRequest(
            envelope: poison.envelope, content: .poison(poison.failure), bodyHash: poison.bodyHash, receivedAt: now,
            queue: source.lane, redelivered: delivery.redelivered, deliveryGeneration: delivery.token.ledgerGeneration,
            properties: []))
        origins.append(delivery)
      case .cancel(let cancel):
        cancels.append((cancel, delivery))
      }
    }
    // What another channel got first may be on its way into the ledger still, and nothing but that row tells who it is.
    if let arrivedAt, requests.contains(where: { $0.redelivered && $0.isFingerprint }) {
      let rest = Self.redeliveryGrace - (context.time.monotonic() - arrivedAt)
      if rest > .zero, (try? await context.time.sleep(for: rest)) == nil { return }
    }
    guard await take(requests, origins, at: now, dropsStale: rows.isEmpty) else { return }
    for cancel in cancels { await self.cancel(cancel.request, cancel.delivery) }
  }

  /// Commits requests and follows up. What the ledger refuses together is taken in halves, so that one which it cannot keep
  /// holds up no other.
  ///
  /// Returns false without a commit: the broker keeps custody, and the deliveries come again on the next connection.
  private func take(
    _ requests: [NewRequest], _ origins: [Delivery], at now: Timestamp, dropsStale: Bool
  ) async -> Bool {
    var (requests, origins) = (requests, origins)
    while true {
      if dropsStale { dropStale(&requests, &origins) }
      if requests.isEmpty { return true }
      switch await commit(requests, origins, at: now, dropsStale: dropsStale) {
      case nil: return false
      case .success(true): return true
      case .success(false): continue
      case .failure(let error):
        if requests.count == 1 {
          return await refused(requests[0], origins[0], error, at: now, dropsStale: dropsStale)
        }
        let middle = requests.count / 2
        for half in [0..<middle, middle..<requests.count] {
          guard await take(Array(requests[half]), Array(origins[half]), at: now, dropsStale: dropsStale) else {
            return false
          }
        }
        return true
      }
    }
  }

  /// Nil as of `LedgerRetry`; false if some went stale before the commit; a failure if the ledger cannot keep them.
  private func commit(
    _ requests: [NewRequest], _ origins: [Delivery], at now: Timestamp, dropsStale: Bool
  ) async -> Result<Bool, LedgerError>? {
    let admission = context.held.begin()
    defer { context.held.end(admission) }
    let outcome = await context.retry.unlessRefused("accept requests") {
      () async throws(LedgerError) -> [Admission]? in
      if dropsStale, zip(requests, origins).contains(where: isStale) { return nil }
      return try await context.ledger.admit(requests, at: now)
    }
    return outcome?.map { admitted in
      guard let admitted else { return false }
      context.metrics.delivered(lane: source.lane, admitted)
      follow(admitted, requests, origins, in: admission)
      return true
    }
  }

  /// A request that the ledger cannot keep is recorded as the poison that it is, without its content; where it cannot keep
  /// that either, it is answered without a row.
  private func refused(
    _ request: NewRequest, _ origin: Delivery, _ error: LedgerError, at now: Timestamp, dropsStale: Bool
  ) async -> Bool {
    context.logger.error(
      "The ledger refuses a request, which becomes poison",
      metadata: ["request": "\(request.envelope.ledgerID)", "error": "\(error)"])
    switch request.content {
    case .poison(let failure):
      unrecorded.answer(origin, of: source, request, failure)
      return true
    case .call:
      var poison = request
      poison.content = .poison(
        Failure(
          .invalidRequest, "the ledger cannot keep this request, so it is not sent; the service's log says why"))
      poison.properties = []
      return await take([poison], [origin], at: now, dropsStale: dropsStale)
    }
  }

  /// A message that only a fingerprint names and whose channel is gone: it comes again, to whoever, as one that may be new.
  private func isStale(_ request: NewRequest, _ origin: Delivery) -> Bool {
    request.isFingerprint && !source.isOpen(origin.token.generation)
  }

  private func dropStale(_ requests: inout [NewRequest], _ origins: inout [Delivery]) {
    let kept = zip(requests, origins).filter { !isStale($0, $1) }
    if kept.count == requests.count { return }
    requests = kept.map(\.0)
    origins = kept.map(\.1)
  }

  private func decode(_ delivery: Delivery, at now: Timestamp) -> DecodedMessage {
    let count = RequestDecoder.deliveryCount(of: delivery)
    if count >= max(1, context.configuration.deliveryLimit - 1) {
      let failure = Failure(
        .deliveryLimit,
        "the message was delivered \(count) times and never dealt with; it is not parsed again and goes to the dead letters"
      )
      return .poison(decoder.refuse(delivery, with: failure, receivedAt: now))
    }
    return decoder.decode(delivery, queueLane: source.lane, receivedAt: now)
  }

  /// Settles what the ledger has, holds what the broker has, and passes on what is new.
  private func follow(
    _ admissions: [Admission], _ requests: [NewRequest], _ origins: [Delivery],
    in admission: HeldDeliveries.Admission
  ) {
    var settlements: [Settlement] = []
    var fingerprints: [(RequestID, DeliveryToken)] = []
    var rows: [AcceptedRow] = []
    var calls: [PendingCall] = []
    var parked = false
    var ready = false
    // Their replies were confirmed before they could be held.
    var late: [HeldDeliveries.Held] = []
    for (index, admitted) in admissions.enumerated() {
      let request = requests[index]
      let delivery = origins[index]
      var poison: HeldDeliveries.Poison?
      switch (admitted.kind, request.content) {
      case (.new(let attempt), .call(let call)), (.takenOver(let attempt), .call(let call)):
        switch (call.lane, admitted.custody) {
        case (.deferred, _): rows.append(AcceptedRow(id: admitted.id, call: call, receivedAt: request.receivedAt))
        case (.interactive, .ledger): parked = true
        case (.interactive, .broker):
          calls.append(
            PendingCall(
              id: admitted.id, attempt: attempt, call: call, tenant: request.envelope.tags.tenant,
              arrivedAt: context.time.monotonic()))
        }
      case (.refused(let failure), _):
        if failure.code.isPoison { poison = HeldDeliveries.Poison(delivery: delivery, failure: failure) }
        ready = true
      case (.answered, _): ready = true
      case (.inFlight, _), (.new, .poison), (.takenOver, .poison): break
      }
      let isFingerprint = request.isFingerprint
      if admitted.custody == .ledger {
        settlements.append(Settlement(delivery.token, .ack))
        if isFingerprint { fingerprints.append((admitted.id, delivery.token)) }
      } else {
        var held = HeldDeliveries.Held(
          id: admitted.id, source: source, token: delivery.token, isFingerprint: isFingerprint, poison: poison)
        if case .inFlight = admitted.kind, context.ledger.isShared { held.attached = delivery }
        if !context.held.hold(held, in: admission) { late.append(held) }
      }
    }
    if !settlements.isEmpty { source.settle(settlements) }
    acks.acked(fingerprints, from: source)
    settler.settle(late)
    windows.add(rows)
    self.calls.submit(calls)
    if parked { self.calls.parkedWorkIsReady() }
    if ready || admissions.contains(where: { $0.kind == .inFlight }) { context.outboxReady.raise() }
  }

  private func cancel(_ cancel: CancelRequest, _ delivery: Delivery) async {
    let done = await context.retry("cancel a request") { () async throws(LedgerError) in
      try await context.ledger.cancel(
        tenant: cancel.tenant, correlationID: cancel.correlationID, at: context.time.now())
    }
    guard let done else { return }
    windows.remove(done)
    source.settle([Settlement(delivery.token, .ack)])
    context.outboxReady.raise()
  }
}

extension Delivery {
  fileprivate var isCancellation: Bool { properties.type.map { $0.elementsEqual("llm.cancel".utf8) } ?? false }
}

extension NewRequest {
  fileprivate var isFingerprint: Bool { envelope.identity.kind == .fingerprint }
}

extension Array {
  fileprivate func split(_ isFirst: (Element) -> Bool) -> ([Element], [Element]) {
    // Nearly always there is nothing to split.
    guard contains(where: isFirst) else { return ([], self) }
    return (filter(isFirst), filter { !isFirst($0) })
  }
}
