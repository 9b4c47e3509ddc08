import BatchCore
import Ledger

/// How providers counted calls, summed up until the ledger is told.
struct TokenMeasures {
  private var sums: [GateKey: (reported: Int64, estimated: Int64)] = [:]
  /// Publishers name the models, so that their number is not ours to bound elsewhere.
  private static let mostKeys = 1024
  /// Less than this is left to come together: a short request says little.
  private static let least: Int64 = 1000

  mutating func add(_ key: GateKey, reported: Int64, estimated: Int64) {
    guard reported > 0, estimated > 0, sums[key] != nil || sums.count < Self.mostKeys else { return }
    let sum = sums[key] ?? (0, 0)
    sums[key] = (
      sum.reported.addingReportingOverflow(reported).partialValue,
      sum.estimated.addingReportingOverflow(estimated).partialValue
    )
  }

  /// What says enough, which is forgotten here.
  mutating func take() -> [TokenMeasure] {
    let ready = sums.filter { $0.value.estimated >= Self.least }
    for key in ready.keys { sums[key] = nil }
    return ready.map { TokenMeasure(key: $0.key, reported: $0.value.reported, estimated: $0.value.estimated) }
  }
}
