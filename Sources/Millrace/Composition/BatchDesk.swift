import AdminServer
import BatchCore
import Ledger
import Wire
import Worker

/// Shows the open batches of the ledger, and takes what an operator decides about one.
struct BatchDesk: BatchAdministration {
  let ledger: any LedgerStore
  let problems: BatchProblems
  let time: any Timekeeper

  func list() async -> AdminAnswer {
    let batches: [BatchRecord]
    do {
      batches = try await ledger.openBatches()
    } catch {
      return .refusal(503, error.message)
    }
    let problems = await problems.all(of: batches, at: time.now())
    return .json(200) { writer in
      writer.key("batches")
      writer.beginArray()
      for batch in batches { write(batch, problems[batch.label], into: &writer) }
      writer.endArray()
    }
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
      return .refusal(
        400, #"the body must be {"as":"adopt","provider_batch_id":"…"}, {"as":"resubmit"} or {"as":"give_up"}"#)
    }
    do {
      guard let batch = try await ledger.openBatches().first(where: { $0.label == label }) else {
        return .refusal(404, "no open batch has the label \(label); millrace batches list shows them")
      }
      let objection = await BatchObjections(problems).objection(to: resolution, about: batch, at: time.now())
      if let objection { return .refusal(409, objection) }
      guard try await ledger.resolve(label: label, as: resolution, at: time.now()) else {
        return .refusal(409, "batch \(label) has just gone on by itself: nothing is to be decided about it")
      }
    } catch {
      return .refusal(503, error.message)
    }
    return .json(202) { writer in
      writer.field("label", label)
      writer.field("resolution", resolution.word)
    }
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
