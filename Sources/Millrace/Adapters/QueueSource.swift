import AMQP
import BatchCore
import Wire
import Worker

/// A lane's consumer as the worker's source of deliveries.
struct QueueSource: DeliverySource {
  let lane: Lane
  let consumer: Consumer
  /// Added to the consumer's generations, which start anew with every process: the ledger compares them over restarts.
  private let offset: UInt64

  /// - Parameter startedAt: When this process started; two processes of one deployment never start in one millisecond.
  init(lane: Lane, consumer: Consumer, startedAt: Timestamp) {
    self.lane = lane
    self.consumer = consumer
    offset = UInt64(clamping: startedAt.milliseconds) << 21 | UInt64(lane.rawValue) << 20
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

  func barrier() async -> Bool { await consumer.barrier() }

  func stop() async { consumer.finishDelivering() }
}
