public import BatchCore
public import Ledger
public import Wire

/// A delivery in a few words, for tests of ledgers.
public struct TestDelivery: Sendable {
  public var kind = Identity.Kind.key
  /// The idempotency key, the message id, or what stands for everything that was sent.
  public var key: String
  public var body = "hello"
  /// Nil generates one.
  public var correlation: String? = "c1"
  public var replyTo: String?
  public var tenant = "default"
  public var lane = Lane.deferred
  /// Nil is the one that goes with the custody.
  public var queue: Lane?
  public var custody = Custody.ledger
  public var model = "gpt-4o-mini"
  public var route = Route(provider: "openai", model: "gpt-4o-mini-2024-07-18")
  public var deadline: Timestamp?
  public var redelivered = false
  public var generation: Int64 = 1
  public var nonce: String?
  public var poison: Failure?
  public var noReply = false
  public var properties: [UInt8] = [1, 2, 3]
  public var tokens: Int64 = 10
  public var promptOrder: Int64 = 0
  public var mergeKey: MergeKey?
  public var callCeiling: PicoUSD?
  public var batchCeiling: PicoUSD?
  public var budgets: [BudgetClaim] = []
  public var customID: String?
  public var callbackURL: String?
  public var trace = TraceContext()
  public var receivedAt: Timestamp?

  public init(_ key: String, change: (inout TestDelivery) -> Void = { _ in }) {
    self.key = key
    change(&self)
  }

  /// One for the interactive lane, in the broker's custody.
  public static func interactive(_ key: String, change: (inout TestDelivery) -> Void = { _ in }) -> TestDelivery {
    TestDelivery(key) {
      $0.lane = .interactive
      $0.custody = .broker
      change(&$0)
    }
  }

  public func with(_ change: (inout TestDelivery) -> Void) -> TestDelivery {
    var copy = self
    change(&copy)
    return copy
  }

  public var bodyHash: SHA256Digest { .of(Array("hash \(body)".utf8)) }

  public var identity: Identity {
    let text =
      switch kind {
      case .key: "key \(tenant) \(key)"
      case .messageID: "message \(tenant) \(key) \(body)"
      case .fingerprint: "fingerprint \(tenant) \(key) \(body) \(correlation ?? "") \(replyTo ?? "")"
      }
    return Identity(kind: kind, digest: .of(Array(text.utf8)))
  }

  public var ledgerID: LedgerID {
    LedgerID(
      identity: identity, correlationID: Array((correlation ?? "").utf8), replyTo: replyTo.map { Array($0.utf8) })
  }

  public var requestBody: RequestBody {
    let text = #"{"model":"\#(model)","input":"\#(body)"}"#
    return RequestBody(bytes: Array(text.utf8), modelRange: 9..<11 + model.utf8.count)
  }

  public func request(at now: Timestamp) -> NewRequest {
    let id = ledgerID
    let envelope = Envelope(
      identity: identity, ledgerID: id, correlationID: Array((correlation ?? id.text).utf8),
      correlationGenerated: correlation == nil, replyTo: replyTo.map { Array($0.utf8) }, customID: customID,
      tags: CostTags(tenant: tenant, user: "ann"), trace: trace, callbackURL: callbackURL, noReply: noReply,
      replayNonce: nonce)
    let content: NewRequest.Content =
      if let poison {
        .poison(poison)
      } else {
        .call(
          NewCall(
            endpoint: .responses, model: model, route: route, lane: lane, custody: custody, body: requestBody,
            tokens: tokens, deadline: deadline, callCeiling: callCeiling, batchCeiling: batchCeiling,
            budgets: budgets, promptOrder: promptOrder, mergeKey: mergeKey))
      }
    return NewRequest(
      envelope: envelope, content: content, bodyHash: bodyHash, receivedAt: receivedAt ?? now,
      queue: queue ?? (custody == .broker ? .interactive : .deferred), redelivered: redelivered,
      deliveryGeneration: generation, properties: properties)
  }
}
