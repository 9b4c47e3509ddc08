import Settings
import Wire

/// What a running service has learned, for a plan: how long answers are, and how long batches take.
struct PlanHistory: Sendable {
  var answers: [FilePlan.Key: FilePlan.Answers] = [:]
  var turnaround: [FilePlan.Key: Double] = [:]

  init() {}

  /// Asks the service; without one, or where it knows nothing, nothing is known.
  init(asking settings: MillraceSettings) async {
    let client = AdminClient(settings.admin)
    if let answer = try? await client.send("GET", "/cost?by=provider,model&since=31d&limit=10000") {
      answers = Self.answers(answer)
    }
    if let answer = try? await client.send("GET", "/metrics") {
      turnaround = Self.turnaround(
        String(decoding: answer, as: UTF8.self), prefix: settings.observability.metricsPrefix)
    }
  }

  static func answers(_ report: [UInt8]) -> [FilePlan.Key: FilePlan.Answers] {
    var found: [FilePlan.Key: FilePlan.Answers] = [:]
    guard let list = (try? JSONSlice.parse(report))?["lines"], list.kind == .array else { return [:] }
    for line in list.elements {
      guard let provider = line["provider"]?.string, let model = line["model"]?.string,
        let output = line["output_tokens"]?.int64, let count = line["answers"]?.int64, count > 0,
        let input = line["input_tokens"]?.int64, let estimated = line["estimated_input_tokens"]?.int64
      else { continue }
      found[FilePlan.Key(provider: provider, model: model)] = FilePlan.Answers(
        outputTokens: Double(output) / Double(count),
        inputRatio: estimated > 0 && input > 0 ? Double(input) / Double(estimated) : 1)
    }
    return found
  }

  /// Seconds in which nine of ten batches are home.
  static func turnaround(_ metrics: String, prefix: String) -> [FilePlan.Key: Double] {
    var found: [FilePlan.Key: Double] = [:]
    for line in metrics.split(separator: "\n") where line.hasPrefix("\(prefix)_batch_turnaround_seconds{") {
      guard line.contains("quantile=\"0.9\""), let provider = label("provider", line), let model = label("model", line),
        let value = line.split(separator: " ").last.flatMap({ Double($0) }), value > 0
      else { continue }
      found[FilePlan.Key(provider: provider, model: model)] = value
    }
    return found
  }

  private static func label(_ name: String, _ line: Substring) -> String? {
    guard let start = line.firstRange(of: "\(name)=\"")?.upperBound else { return nil }
    return String(line[start...].prefix { $0 != "\"" })
  }
}
