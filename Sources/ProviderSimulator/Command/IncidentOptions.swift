import ArgumentParser
import Wire

/// What happens at a time, or to the next calls.
struct IncidentOptions: ParsableArguments {
  @Option(
    help: """
      JSON of an outage: from_ms and to_ms after the start, kind (refuse, 503, hang), scope (calls, batches, all), \
      model, retry_after_ms; repeatable.
      """)
  var outage: [String] = []
  @Option(
    help: """
      JSON of an order to refuse the next n calls of a kind (call, upload, create, poll, fetch, list, delete, cancel): \
      kind, n, status, code, retry_after_ms, style, model; repeatable.
      """)
  var order: [String] = []

  /// As `POST /_sim/faults` takes them.
  func document() throws(SimulatorError) -> JSONSlice? {
    let members = [("outage", outage), ("orders", order)].filter { !$0.1.isEmpty }
    if members.isEmpty { return nil }
    let text = members.map { "\"\($0)\":[\($1.joined(separator: ","))]" }.joined(separator: ",")
    do {
      return try JSONSlice.parse(Array("{\(text)}".utf8))
    } catch {
      throw SimulatorError("--outage and --order must be JSON objects: \(error)")
    }
  }
}
