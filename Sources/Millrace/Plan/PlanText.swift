import BatchCore
import Wire

/// A plan for people, and as JSON.
enum PlanText {
  private static let heads = ["MODEL", "REQUESTS", "INPUT", "OUTPUT", "INTERACTIVE USD", "DEFERRED USD", "AT MOST USD"]

  static func lines(_ plan: FilePlan, _ times: PlanTimes) -> [String] {
    let keys = sorted(plan)
    var rows = keys.map { row($0.model + (plan.isAssumed($0) ? " *" : ""), plan.lines[$0] ?? FilePlan.Line()) }
    rows.append(row("TOTAL", plan.total))
    var lines = TextTable.lines(heads, rows)
    let total = plan.total
    if let list = total.interactive, let batch = total.deferred, list > 0 {
      lines.append("deferred saves \((list - batch) * 100 / list) %")
    }
    lines.append(
      "deferred: \(times.batches) \(times.batches == 1 ? "batch" : "batches"), about "
        + TextTable.duration(Int64(times.deferred.rounded(.up)))
        + (times.isLearned ? ", as nine of ten batches of these models took" : ", as rescue.assumed_turnaround says"))
    lines.append(
      times.interactive.map {
        "interactive: about \(TextTable.duration(Int64($0.rounded(.up)))) at the configured limits"
      }
        ?? "interactive: as fast as the provider allows; no rate limit is configured")
    if keys.contains(where: plan.isAssumed) {
      lines.append(
        "* nothing is known of how long answers are: \(Int(FilePlan.assumedOutput)) tokens, or max_tokens if that is less"
      )
    }
    let unpriced = keys.filter { plan.lines[$0]?.interactive == nil }.map(\.model)
    if !unpriced.isEmpty {
      lines.append("no price is known of \(unpriced.joined(separator: ", ")); set it under prices")
    }
    let unbatched = keys.filter { plan.lines[$0].map { $0.interactive != nil && $0.deferred == nil } ?? false }
    if !unbatched.isEmpty {
      lines.append(
        "no price of batches is known of \(unbatched.map(\.model).joined(separator: ", ")); set batch under prices")
    }
    if plan.unusable > 0 {
      lines.append("\(plan.unusable) lines cannot be sent:")
      for problem in plan.problems {
        lines.append("  line \(problem.line): \(problem.failure.code.rawValue): \(problem.failure.message)")
      }
    }
    return lines
  }

  static func json(_ plan: FilePlan, _ times: PlanTimes) -> String {
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("models")
    writer.beginArray()
    for key in sorted(plan) {
      writer.beginObject()
      writer.field("provider", key.provider)
      writer.field("model", key.model)
      writer.field("output_is", plan.isAssumed(key) ? "assumed" : "learned")
      write(plan.lines[key] ?? FilePlan.Line(), into: &writer)
      writer.endObject()
    }
    writer.endArray()
    writer.key("total")
    writer.beginObject()
    write(plan.total, into: &writer)
    writer.endObject()
    writer.field("batches", number: times.batches)
    writer.field("deferred_seconds", number: Int64(times.deferred.rounded(.up)))
    writer.field("interactive_seconds", number: times.interactive.map { Int64($0.rounded(.up)) })
    writer.field("unusable_lines", number: plan.unusable)
    writer.endObject()
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  private static func write(_ line: FilePlan.Line, into writer: inout JSONWriter) {
    writer.field("requests", number: line.requests)
    writer.field("input_tokens", number: line.inputTokens)
    writer.field("output_tokens", number: line.outputTokens)
    writer.field("interactive_usd", line.interactive.map(DollarText.exact))
    writer.field("deferred_usd", line.deferred.map(DollarText.exact))
    writer.field("at_most_usd", line.ceiling.map(DollarText.exact))
  }

  private static func sorted(_ plan: FilePlan) -> [FilePlan.Key] {
    plan.lines.keys.sorted { ($0.model, $0.provider) < ($1.model, $1.provider) }
  }

  private static func row(_ name: String, _ line: FilePlan.Line) -> [String?] {
    [
      name, "\(line.requests)", "\(line.inputTokens)", "\(line.outputTokens)", line.interactive.map(DollarText.rounded),
      line.deferred.map(DollarText.rounded), line.ceiling.map(DollarText.rounded),
    ]
  }
}
