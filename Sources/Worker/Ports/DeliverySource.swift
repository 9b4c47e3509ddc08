public import BatchCore
public import Wire

/// Where requests come from: the consumer of one request queue.
public protocol DeliverySource: Sendable {
  /// The lane that the queue stands for. It decides custody.
  var lane: Lane { get }

  /// The next deliveries, at least one, as many as are there; `nil` after `stop`. One caller at a time.
  func next() async -> [Delivery]?

  /// Tells the broker what became of deliveries. Never waits; tokens of an earlier channel are dropped.
  func settle(_ settlements: [Settlement])

  /// Whether the channel of this generation is open, as far as is known: if not, what it delivered comes again.
  func isOpen(_ generation: UInt64) -> Bool

  /// Returns whether everything settled so far on the channel of this generation is known to have been processed by the
  /// broker.
  func barrier(of generation: UInt64) async -> Bool

  /// Ends consumption: no delivery comes after it, settlements still work.
  func stop() async
}
