import BatchCore
import Glibc
import Wire

/// Has deliveries of one queue decoded and counted a slice at a time. A flood of deferred ones gets half of the processors
/// at most, whatever else their threads have to do.
struct DecodingTurns: Sendable {
  /// A millisecond's work, or less.
  private static let slice = 16 << 10
  /// What a delivery takes besides its bytes, as bytes.
  private static let overhead = 1024

  private let permits: Permits?

  init(lane: Lane) {
    permits = lane == .deferred ? Permits(max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)) / 2)) : nil
  }

  /// Calls the closure with each delivery and its place, in their order.
  func forEach(_ deliveries: [Delivery], _ body: (Int, Delivery) -> Void) async {
    var next = 0
    while next < deliveries.count {
      await permits?.acquire()
      var size = 0
      while next < deliveries.count, size < Self.slice {
        size += deliveries[next].body.count + Self.overhead
        body(next, deliveries[next])
        next += 1
      }
      permits?.release()
      if next < deliveries.count { await Task.yield() }
    }
  }
}
