import AdminServer
import BatchCore
import Ledger
import Wire
import Worker

/// Shows the open batches of the ledger, and takes what an operator decides about one.
struct BatchDesk: BatchAdministration {
  let ledger: any LedgerStore
  let providers: [any Provider]
  let health: HealthBoard
  let time: any Timekeeper

  private var problems: BatchProblems { BatchProblems(ledger: ledger, providers: providers, health: health) }

  func list() async -> AdminAnswer {
    let batches: [BatchRecord]
    do {
      batches = try await ledger.openBatches()
    } catch {
      return refusal(503, error.message)
    }
    let problems = await problems.all(of: batches)
    var writer = JSONWriter(capacity: 4096)
    writer.beginObject()
    writer.key("batches")
    writer.beginArray()
    for batch in batches { write(batch, problems[batch.label], into: &writer) }
    writer.endArray()
    writer.endObject()
    return AdminAnswer(status: 200, body: writer.bytes)
  }

  private func write(_ batch: BatchRecord, _ problem: BatchProblems.Problem?, into writer: inout JSONWriter) {
    writer.beginObject()
    writer.field("label", batch.label)
    writer.field("state", problem?.word?.rawValue ?? batch.state.word)
    writer.field("provider", batch.key.provider)
    writer.field("model", batch.key.model)
    writer.field("account", batch.account)
    writer.field("provider_batch_id", batch.providerBatchID)
    writer.field("input_file_id", batch.inputFileID)
    writer.field("requests", number: batch.rowCount)
    writer.field("tokens", number: batch.tokens)
    writer.field("created_at", RFC3339.format(batch.createdAt))
    writer.field("age_seconds", number: max(0, (time.now() - batch.createdAt).wholeMilliseconds / 1000))
    writer.field("detail", problem?.detail)
    writer.endObject()
  }

  func resolve(label: String, _ body: [UInt8]) async -> AdminAnswer {
    guard let resolution = Self.resolution(body) else {
      return refusal(
        400, #"the body must be {"as":"adopt","provider_batch_id":"…"}, {"as":"resubmit"} or {"as":"give_up"}"#)
    }
    do {
      guard let batch = try await ledger.openBatches().first(where: { $0.label == label }) else {
        return refusal(404, "no open batch has the label \(label); millrace batches list shows them")
      }
      if let refused = await refused(batch, resolution) { return refused }
      guard try await ledger.resolve(label: label, as: resolution, at: time.now()) else {
        return refusal(409, "batch \(label) has just gone on by itself: nothing is to be decided about it")
      }
    } catch {
      return refusal(503, error.message)
    }
    var writer = JSONWriter()
    writer.beginObject()
    writer.field("label", label)
    writer.field("resolution", resolution.word)
    writer.endObject()
    return AdminAnswer(status: 202, body: writer.bytes)
  }

  /// What stands against the decision.
  private func refused(_ batch: BatchRecord, _ resolution: BatchResolution) async -> AdminAnswer? {
    switch batch.state {
    case .creating: break
    case .submitted:
      guard await problems.all(of: [batch])[batch.label]?.word == .unreachable else { fallthrough }
      if case .adopt = resolution {
        return refusal(409, "batch \(batch.label) has its provider's id already; resubmit it or give it up")
      }
    case .planned, .settled, .abandoned:
      return refusal(
        409, "batch \(batch.label) is not unknown but \(batch.state.word): nothing is to be decided about it")
    }
    guard case .adopt(let id) = resolution else { return nil }
    return await unseen(id, batch)
  }

  /// An id that the provider does not know would have the batch waited for in vain.
  private func unseen(_ id: String, _ batch: BatchRecord) async -> AdminAnswer? {
    guard let provider = providers.first(where: { $0.name == batch.key.provider }) else { return nil }
    let holders = provider.holders(of: batch)
    var last: ProviderError?
    for holder in holders {
      do throws(ProviderError) {
        _ = try await holder.retrieve(id)
        return nil
      } catch {
        last = error
      }
    }
    return last.map { refusal(409, "the batch \(id) cannot be adopted: \($0.message)") }
  }

  private static func resolution(_ body: [UInt8]) -> BatchResolution? {
    guard let object = try? JSONSlice.parse(body) else { return nil }
    switch object["as"]?.string {
    case "adopt": return object["provider_batch_id"]?.string.flatMap { $0.isEmpty ? nil : .adopt($0) }
    case "resubmit": return .resubmit
    case "give_up": return .giveUp
    default: return nil
    }
  }

  private func refusal(_ status: Int, _ message: String) -> AdminAnswer {
    var writer = JSONWriter()
    writer.beginObject()
    writer.field("error", message)
    writer.endObject()
    return AdminAnswer(status: status, body: writer.bytes)
  }
}

extension BatchRecord.State {
  /// What an operator reads.
  fileprivate var word: String {
    switch self {
    case .planned: "planned"
    case .creating: "creating"
    case .submitted: "submitted"
    case .settled: "settled"
    case .abandoned: "abandoned"
    }
  }
}

extension BatchResolution {
  fileprivate var word: String {
    switch self {
    case .adopt: "adopt"
    case .resubmit: "resubmit"
    case .giveUp: "give_up"
    }
  }
}

extension JSONWriter {
  fileprivate mutating func field(_ name: String, _ text: String?) {
    key(name)
    if let text { string(text) } else { null() }
  }

  fileprivate mutating func field(_ name: String, number: some BinaryInteger) {
    key(name)
    int(number)
  }
}
