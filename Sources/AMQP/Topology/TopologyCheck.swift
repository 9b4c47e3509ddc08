import Wire

extension Topology {
  /// Looks for every object, and declares what is missing if `declare` is set. Changes and deletes nothing that exists.
  ///
  /// A passive declare sees no arguments, so those of an existing object are compared by declaring it once more as
  /// wanted: the broker answers 406 to any difference and leaves the object alone. Bindings cannot be read over AMQP;
  /// with `declare` they are made, which is idempotent. Throws when the broker cannot be reached or asked at all; what it
  /// says about an object is in the report.
  public func check(
    _ configuration: ConnectionConfiguration, declare: Bool
  ) async throws(AMQPError) -> TopologyReport {
    try await TemporaryLink.with(configuration) { (link) throws(AMQPError) in
      try await TopologyCheck(link: link, declare: declare).run(self)
    }
  }
}

struct TopologyCheck {
  let link: TemporaryLink
  let declare: Bool

  func run(_ topology: Topology) async throws(AMQPError) -> TopologyReport {
    var entries: [TopologyReport.Entry] = []
    for exchange in topology.exchanges {
      var arguments = exchange.arguments
      if let alternate = exchange.alternateExchange { arguments["alternate-exchange"] = .string(alternate) }
      let finding = try await object(
        passive: .exchangeDeclare(
          name: exchange.name, kind: exchange.kind, passive: true, durable: exchange.durable, autoDelete: false,
          FieldTable()),
        active: .exchangeDeclare(
          name: exchange.name, kind: exchange.kind, passive: false, durable: exchange.durable, autoDelete: false,
          arguments))
      entries.append(.init(object: "exchange '\(exchange.name)'", finding: finding))
    }
    for queue in topology.queues {
      let finding = try await object(
        passive: .queueDeclare(
          name: queue.name, passive: true, durable: queue.durable, exclusive: false, autoDelete: false, FieldTable()),
        active: .queueDeclare(
          name: queue.name, passive: false, durable: queue.durable, exclusive: false, autoDelete: false,
          queue.arguments))
      entries.append(.init(object: "queue '\(queue.name)'", finding: finding))
    }
    for binding in topology.bindings {
      entries.append(.init(object: name(of: binding), finding: try await bind(binding)))
    }
    return TopologyReport(entries: entries)
  }

  private func object(passive: Method, active: Method) async throws(AMQPError) -> TopologyReport.Finding {
    var exists = true
    if let refusal = try await refusal(of: passive) {
      switch refusal.code {
      case 404: exists = false
      case 403: return .unverified(refusal.description)
      // Somebody's exclusive queue, or a name that is in use for another kind of thing.
      default: return .differs(refusal.description)
      }
    }
    if !exists && !declare { return .missing("it does not exist") }
    guard let refusal = try await refusal(of: active) else { return exists ? .matching : .created }
    switch (refusal.code, exists) {
    case (403, true): return .unverified(refusal.description)
    case (_, true): return .differs(refusal.description)
    case (_, false): return .missing("it cannot be declared: \(refusal)")
    }
  }

  private func bind(_ binding: Topology.Binding) async throws(AMQPError) -> TopologyReport.Finding {
    guard declare else { return .unverified("bindings cannot be read over AMQP") }
    let method: Method =
      switch binding.destination {
      case .queue(let queue):
        .queueBind(queue: queue, exchange: binding.exchange, routingKey: binding.routingKey, binding.arguments)
      case .exchange(let exchange):
        .exchangeBind(
          destination: exchange, source: binding.exchange, routingKey: binding.routingKey, binding.arguments)
      }
    guard let refusal = try await refusal(of: method) else { return .matching }
    return refusal.code == 403 ? .unverified(refusal.description) : .missing(refusal.description)
  }

  private func name(of binding: Topology.Binding) -> String {
    let key = binding.routingKey.isEmpty ? "" : " by '\(binding.routingKey)'"
    return switch binding.destination {
    case .queue(let queue): "binding of exchange '\(binding.exchange)' to queue '\(queue)'\(key)"
    case .exchange(let exchange): "binding of exchange '\(binding.exchange)' to exchange '\(exchange)'\(key)"
    }
  }

  /// What the broker has against a method; `nil` if nothing. Only an answer about the method counts as such.
  private func refusal(of method: Method) async throws(AMQPError) -> AMQPError? {
    do throws(AMQPError) {
      _ = try await link.call(method)
      return nil
    } catch {
      switch error.kind {
      case .channelClosed, .refused: return error
      default: throw error
      }
    }
  }
}
