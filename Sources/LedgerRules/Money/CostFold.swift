package import BatchCore

/// How daily costs are kept from growing with the number of batches: once a batch is forgotten, its costs need no row of
/// their own. Nothing that is asked for changes by it.
package enum CostFold {
  /// What stands for all batches that are forgotten: no batch's id, and not that of a synchronous call.
  package static let batch: Int64 = -1

  /// The day up to which costs are folded. Some batches are kept longer than their requests: by now they are gone, and those
  /// that are not keep their rows for good.
  ///
  /// - Parameter before: the time before which finished requests go.
  package static func end(before: Timestamp) -> Int64 { (before + .seconds(-2 * 31 * 86_400)).day }
}
