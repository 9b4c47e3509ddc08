import AdminServer
import BatchCore
import Ledger
import Wire
import Worker

/// Shows the breakers that are not closed, and closes those that an operator has seen to.
struct BreakerDesk: BreakerAdministration {
  let worker: Worker
  let time: any Timekeeper

  func list() async -> AdminAnswer {
    do throws(LedgerError) {
      return answer(200, try await worker.openBreakers())
    } catch {
      return .refusal(503, error.message)
    }
  }

  func close(_ body: [UInt8]) async -> AdminAnswer {
    guard let object = try? JSONSlice.parse(body), let account = object["account"]?.string,
      object["model"].map({ $0.kind == .string }) ?? true
    else { return .refusal(400, #"the body must be {"account":"…"} or {"account":"…","model":"…"}"#) }
    let model = object["model"]?.string
    do throws(LedgerError) {
      let breakers = try await worker.openBreakers().filter { breaker in
        (breaker.key.account == account || provider(of: breaker.key) == account)
          && (model == nil || breaker.key.model == model)
      }
      if breakers.isEmpty {
        let what = model.map { "account \(account), model \($0)" } ?? "account \(account)"
        return .refusal(404, "no breaker of \(what) is open; millrace breakers list shows them")
      }
      try await worker.closeBreakers(breakers)
      return answer(200, breakers)
    } catch {
      return .refusal(503, error.message)
    }
  }

  private func answer(_ status: Int, _ breakers: [OpenBreaker]) -> AdminAnswer {
    .json(status) { writer in
      writer.key("breakers")
      writer.beginArray()
      for breaker in breakers { write(breaker, into: &writer) }
      writer.endArray()
    }
  }

  private func write(_ breaker: OpenBreaker, into writer: inout JSONWriter) {
    let now = time.now()
    writer.beginObject()
    writer.field("account", breaker.key.account)
    writer.field("provider", provider(of: breaker.key))
    writer.field("model", breaker.key.model)
    writer.field("state", breaker.isProbing ? "probing" : "open")
    writer.field("since", breaker.age.map { RFC3339.format(now + (.zero - $0)) })
    writer.field("age_seconds", number: breaker.age.map { $0.wholeMilliseconds / 1000 })
    writer.field("reason", breaker.cause.word)
    writer.field("next_probe", RFC3339.format(now + breaker.nextProbe))
    writer.field("next_probe_seconds", number: breaker.nextProbe.wholeMilliseconds / 1000)
    writer.endObject()
  }

  /// Nil for an account that is not configured here, as one with an earlier key.
  private func provider(of key: GateKey) -> String? {
    worker.providers.first { $0.account == key.account }?.name
  }
}

extension CircuitBreaker.Cause {
  fileprivate var word: String {
    switch self {
    case .failures: "failures"
    case .fault(.unauthorised): "unauthorised"
    case .fault(.billing): "billing"
    case .askedTooLong: "asked_too_long"
    }
  }
}
