import AMQP
import BatchCore
import Wire
import Worker

/// A lane's consumer as the worker's source of deliveries.
struct QueueSource: DeliverySource {
  let lane: Lane
  let consumer: Consumer
  /// Added to the consumer's generations, which start anew with every process: the ledger compares them over restarts and
  /// replicas. By chance, since two replicas may start in one moment.
  private let offset = UInt64.random(in: 0..<1 << 43) << 20

  init(lane: Lane, consumer: Consumer) {
    self.lane = lane
    self.consumer = consumer
  }

  func next() async -> [Delivery]? {
    guard var deliveries = await consumer.next() else { return nil }
    for index in deliveries.indices { deliveries[index].token.generation &+= offset }
    return deliveries
  }

  func settle(_ settlements: [Settlement]) {
    consumer.settle(
      settlements.map { settlement in
        var settlement = settlement
        settlement.token.generation &-= offset
        return settlement
      })
  }

  func isOpen(_ generation: UInt64) -> Bool { consumer.isOpen(generation &- offset) }

  func barrier(of generation: UInt64) async -> Bool { await consumer.barrier(of: generation &- offset) }

  func stop() async { consumer.finishDelivering() }
}
