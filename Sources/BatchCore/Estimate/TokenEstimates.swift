/// What a call will take of the token limits, learned from what calls of the same model and tenant really took.
///
/// Pure. Bounded: the tenants that were not seen for longest are forgotten.
public struct TokenEstimates: Sendable {
  private struct Key: Hashable {
    var model: String
    var tenant: String
  }

  private struct Average {
    var value: Double
    var spread: Double = 0
    var count = 1

    mutating func add(_ sample: Double) {
      count = min(count + 1, 64)
      let weight = max(1 / Double(count), 1 / 32)
      spread += (abs(sample - value) - spread) * weight
      value += (sample - value) * weight
    }
  }

  private var outputs: [Key: (average: Average, seen: UInt64)] = [:]
  private var modelOutputs: [String: Average] = [:]
  /// Reported input tokens over estimated ones.
  private var inputRatios: [String: Average] = [:]
  private var uses: UInt64 = 0
  private static let mostKeys = 4096
  private static let mostModels = 1024
  /// Before anything is known.
  private static let firstOutput: Int64 = 256
  /// The estimator is never believed to be further off.
  private static let ratios = 0.25...4.0

  public init() {}

  /// - Parameters:
  ///   - inputTokens: as estimated from the request's text.
  ///   - outputLimit: the most that the request allows.
  ///   - countsLimit: whether the provider counts the larger of input and that limit, and not what is produced.
  public mutating func amount(
    model: String, tenant: String, inputTokens: Int64, outputLimit: Int64?, countsLimit: Bool
  ) -> PaceAmount {
    uses += 1
    let limit = outputLimit.map { max(0, $0) }
    // Above the middle too: by what the calls of this model differ from it.
    let ratio =
      inputRatios[model].map { min(max($0.value + $0.spread / 2, Self.ratios.lowerBound), Self.ratios.upperBound) } ?? 1
    let input = Int64(clamping: Int(min(Double(max(0, inputTokens)) * ratio, 1e15).rounded(.up)))
    // The larger of both counts, whatever is produced.
    if countsLimit { return PaceAmount(inputTokens: input, outputTokens: max(0, min(limit ?? 0, 1 << 50) - input)) }
    var output = limit.map { min($0, Self.firstOutput) } ?? Self.firstOutput
    if let average = outputs[Key(model: model, tenant: tenant)]?.average ?? modelOutputs[model] {
      // A little above the middle, so that a run of long answers is not a run of refusals.
      let expected = Int64(clamping: Int(min(average.value + average.spread / 2, 1e12).rounded(.up)))
      output = limit.map { min($0, expected) } ?? expected
    }
    return PaceAmount(inputTokens: input, outputTokens: output)
  }

  /// Output tokens that a call of the model is expected to produce, whoever makes it.
  public func expectedOutput(of model: String) -> Int64 {
    modelOutputs[model].map { Int64(clamping: Int(min(max($0.value, 0), 1e12).rounded(.up))) } ?? Self.firstOutput
  }

  /// What was learned of a model before this process began. What it sees itself comes first.
  public mutating func recall(model: String, inputRatio: Double) {
    if inputRatios[model] == nil { Self.add(inputRatio, to: &inputRatios, of: model) }
  }

  /// - Parameter inputTokens: as estimated from the request's text.
  public mutating func learn(model: String, tenant: String, inputTokens: Int64, used: Usage) {
    let output = Double(max(0, used.outputTokens))
    Self.add(output, to: &modelOutputs, of: model)
    if inputTokens > 0, used.inputTokens > 0 {
      Self.add(Double(used.inputTokens) / Double(inputTokens), to: &inputRatios, of: model)
    }
    uses += 1
    let key = Key(model: model, tenant: tenant)
    if outputs[key] == nil, outputs.count >= Self.mostKeys { forget() }
    outputs[key, default: (Average(value: output, count: 0), 0)].average.add(output)
    outputs[key]?.seen = uses
  }

  private static func add(_ sample: Double, to averages: inout [String: Average], of model: String) {
    if averages[model] == nil, averages.count >= mostModels { averages.removeAll(keepingCapacity: true) }
    averages[model, default: Average(value: sample, count: 0)].add(sample)
  }

  /// Half of them at once, so that it is seldom done.
  private mutating func forget() {
    let seen = outputs.values.map(\.seen).sorted()
    let middle = seen[seen.count / 2]
    outputs = outputs.filter { $0.value.seen > middle }
  }
}
