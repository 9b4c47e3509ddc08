import AdminServer
import Ledger
import Wire
import Worker

/// Says what requests cost, from the ledger that this service works on.
struct CostDesk: CostAdministration {
  let ledger: any LedgerStore
  let time: any Timekeeper

  private static let names: Set<String> = ["by", "since", "until", "limit"]

  func report(_ parameters: [String: String]) async -> AdminAnswer {
    if let name = parameters.keys.sorted().first(where: { !Self.names.contains($0) }) {
      return .refusal(
        400, "\(name.prefix(64)) is no parameter; allowed: \(Self.names.sorted().joined(separator: ", "))")
    }
    let query: CostQuery
    do throws(CostRequest.Problem) {
      query = try CostRequest.read(
        by: parameters["by"], since: parameters["since"], until: parameters["until"], limit: parameters["limit"],
        now: time.now())
    } catch {
      return .refusal(400, error.message)
    }
    do throws(LedgerError) {
      return Self.answer(query, try await ledger.costs(query))
    } catch {
      return .refusal(503, error.message)
    }
  }

  static func answer(_ query: CostQuery, _ report: CostReport) -> AdminAnswer {
    .json(200) { writer in
      writer.field("since", CostRequest.text(ofDay: query.days.lowerBound))
      writer.field("until", CostRequest.text(ofDay: query.days.upperBound))
      writer.key("by")
      writer.beginArray()
      for dimension in query.dimensions { writer.string(dimension.rawValue) }
      writer.endArray()
      writer.key("lines")
      writer.beginArray()
      for line in report.lines {
        writer.beginObject()
        for (dimension, value) in zip(query.dimensions, line.values) {
          let text = dimension == .day ? Int64(value).map(CostRequest.text) ?? value : value
          writer.field(dimension.rawValue, text)
        }
        write(line.sums, into: &writer)
        writer.endObject()
      }
      writer.endArray()
      writer.key("total")
      writer.beginObject()
      write(report.total, into: &writer)
      writer.endObject()
      writer.field("left_out", number: report.leftOut)
    }
  }

  /// Money as texts, since a number of JSON is too short for it.
  private static func write(_ sums: CostSums, into writer: inout JSONWriter) {
    writer.field("attempts", number: Int64(clamping: sums.attempts))
    writer.field("answers", number: Int64(clamping: sums.answers))
    writer.field("estimated_input_tokens", number: Int64(clamping: sums.estimatedTokens))
    writer.field("input_tokens", number: Int64(clamping: sums.inputTokens))
    writer.field("cached_input_tokens", number: Int64(clamping: sums.cachedInputTokens))
    writer.field("cache_write_tokens", number: Int64(clamping: sums.cacheWriteTokens))
    writer.field("output_tokens", number: Int64(clamping: sums.outputTokens))
    writer.field("usd", DollarText.exact(sums.cost))
    writer.field("superseded_usd", DollarText.exact(sums.supersededCost))
    writer.field("list_usd", DollarText.exact(sums.fullCost))
    writer.field("saved_by_batches_usd", DollarText.exact(sums.listCost - sums.cost))
    writer.field("saved_by_cache_usd", DollarText.exact(sums.fullCost - sums.listCost))
    writer.field("superseded_attempts", number: Int64(clamping: sums.superseded))
    writer.field("unknown_attempts", number: Int64(clamping: sums.unknown))
    writer.field("unknown_held_usd", DollarText.exact(sums.held))
    writer.field("unpriced_attempts", number: Int64(clamping: sums.unpriced))
  }
}
