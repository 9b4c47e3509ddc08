import AMQP
import BatchCore
import Settings
import Wire

extension AMQPSettings {
  /// The exchanges, queues and bindings of the contract with the broker.
  var topology: Topology {
    Topology(
      exchanges: [
        .init(name: names.otherExchange, kind: "fanout"),
        .init(name: names.requestsExchange, kind: "topic", alternateExchange: names.otherExchange),
        .init(name: names.unclaimedExchange, kind: "fanout"),
        .init(name: names.resultsExchange, kind: "topic", alternateExchange: names.unclaimedExchange),
        .init(name: names.deadLetterExchange, kind: "fanout"),
      ],
      queues: [
        .init(name: names.deadLetterQueue, arguments: queueArguments()),
        .init(name: names.interactiveQueue, arguments: requestQueueArguments),
        .init(name: names.deferredQueue, arguments: requestQueueArguments),
        .init(
          name: names.unclaimedQueue,
          arguments: queueArguments([
            "x-message-ttl": .int64(unclaimedTTL.wholeMilliseconds),
            "x-max-length-bytes": .int64(Int64(unclaimedMaxBytes)), "x-overflow": .string("drop-head"),
          ])),
      ],
      bindings: [
        .init(exchange: names.deadLetterExchange, destination: .queue(names.deadLetterQueue), routingKey: ""),
        .init(
          exchange: names.requestsExchange, destination: .queue(names.interactiveQueue), routingKey: "interactive.#"),
        .init(exchange: names.requestsExchange, destination: .queue(names.deferredQueue), routingKey: "deferred.#"),
        .init(exchange: names.otherExchange, destination: .queue(names.deferredQueue), routingKey: ""),
        .init(exchange: names.unclaimedExchange, destination: .queue(names.unclaimedQueue), routingKey: ""),
      ])
  }

  func queueName(of lane: Lane) -> String {
    switch lane {
    case .interactive: names.interactiveQueue
    case .deferred: names.deferredQueue
    }
  }

  /// A full queue refuses, and what is dead-lettered arrives at least once: nothing is dropped on the way.
  private var requestQueueArguments: FieldTable {
    var arguments: FieldTable = ["x-dead-letter-exchange": .string(names.deadLetterExchange)]
    if queueType == .quorum {
      arguments["x-overflow"] = .string("reject-publish")
      arguments["x-dead-letter-strategy"] = .string("at-least-once")
      arguments["x-delivery-limit"] = .int64(Int64(deliveryLimit))
    }
    return queueArguments(arguments)
  }

  private func queueArguments(_ more: FieldTable = FieldTable()) -> FieldTable {
    FieldTable(
      [FieldTable.Entry(key: Array("x-queue-type".utf8), value: .string(queueType.rawValue))] + more.entries)
  }
}
