import BatchCore
import Ledger
import Logging
import Tokenizer
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
  var settler: DeliverySettler

  /// Chunks that are decoded and committed at once: enough that a commit never waits for a decode.
  private static let concurrentChunks = 4

  /// Runs until the source ends and everything that it delivered is settled or held.
  func run() async {
    let permits = Permits(Self.concurrentChunks)
    await withDiscardingTaskGroup { group in
      while true {
        await gate.wait()
        guard let chunk = await source.next() else { break }
        let arrivedAt = context.time.monotonic()
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
    for (index, delivery) in deliveries.enumerated() {
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
            redelivered: delivery.redelivered, deliveryGeneration: delivery.token.ledgerGeneration, properties: []))
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
    while !requests.isEmpty {
      if rows.isEmpty { dropStale(&requests, &origins) }
      if requests.isEmpty { break }
      let admission = context.held.begin()
      defer { context.held.end(admission) }
      guard let outcome = await commit(requests, origins, at: now, dropsStale: rows.isEmpty) else { return }
      if let admitted = outcome {
        follow(admitted, requests, origins, in: admission)
        break
      }
    }
    for cancel in cancels { await self.cancel(cancel.request, cancel.delivery) }
  }

  /// Outer nil without a commit: the broker keeps custody, and the deliveries come again on the next connection. Inner nil
  /// if some went stale before it.
  private func commit(
    _ requests: [NewRequest], _ origins: [Delivery], at now: Timestamp, dropsStale: Bool
  ) async -> [Admission]?? {
    let outcome = await context.retry("accept requests") { () async throws(LedgerError) -> [Admission]? in
      if dropsStale, zip(requests, origins).contains(where: isStale) { return nil }
      return try await context.ledger.admit(requests, at: now)
    }
    if case .some(.some(let admitted)) = outcome { context.metrics.delivered(lane: source.lane, admitted) }
    return outcome
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

  private func newRequest(_ request: DecodedRequest, _ delivery: Delivery, at now: Timestamp) -> NewRequest {
    var content: NewRequest.Content
    let (lane, custody) = LaneChooser(autoDeferredHorizon: context.configuration.autoDeferredHorizon).choose(
      queue: source.lane, wish: request.lane, deadline: request.deadline, now: now)
    if let route = routes(request.model).first {
      let estimate = tokens.estimate(textBytes: request.estimatedTextBytes, model: request.model)
      content = .call(
        NewCall(
          endpoint: request.endpoint, model: request.model, route: route, lane: lane, custody: custody,
          body: request.body, tokens: estimate, deadline: request.deadline))
      if let provider = context.providers[route.provider], !provider.capabilities.endpoints.contains(request.endpoint) {
        content = .poison(
          Failure(
            .unsupportedEndpoint,
            "\(request.endpoint.path) is not offered by the provider \(route.provider) that serves \(request.model)"))
      }
    } else {
      content = .poison(
        Failure(
          .unknownModel, "no model named \(request.model) is configured; add it under models in the configuration"))
    }
    var envelope = request.envelope
    // Results are not POSTed to callbacks yet, so the reply is the only way that the answer has.
    envelope.noReply = false
    return NewRequest(
      envelope: envelope, content: content, bodyHash: request.bodyHash, receivedAt: now,
      redelivered: delivery.redelivered, deliveryGeneration: delivery.token.ledgerGeneration,
      properties: PropertiesCodec.encode(delivery.properties))
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
              id: admitted.id, attempt: attempt, call: call, receivedAt: request.receivedAt,
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

extension DeliveryToken {
  /// The generation as the ledger keeps it.
  var ledgerGeneration: Int64 { Int64(bitPattern: generation) }
}

extension AcceptedRow {
  fileprivate init(id: RequestID, call: NewCall, receivedAt: Timestamp) {
    self.init(
      id: id, endpoint: call.endpoint, route: call.route, tokens: call.tokens, bytes: Int64(call.body.bytes.count),
      deadline: call.deadline, receivedAt: receivedAt, notBefore: receivedAt, attempts: 0)
  }
}

extension Array {
  fileprivate func split(_ isFirst: (Element) -> Bool) -> ([Element], [Element]) {
    // Nearly always there is nothing to split.
    guard contains(where: isFirst) else { return ([], self) }
    return (filter(isFirst), filter { !isFirst($0) })
  }
}
