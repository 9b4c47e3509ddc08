import BatchCore
import Wire

/// Messages to start a test from.
enum Fixtures {
  static let receivedAt = Timestamp(milliseconds: 1_700_000_000_000)
  static let chat = "{\"model\":\"gpt-4o-mini\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"

  static let options = DecodingOptions(
    maximumMessageBytes: 100_000,
    modelMode: { model in
      switch model {
      case "text-embedding-3-small": .embeddings
      case "gpt-5": .responses
      default: nil
      }
    },
    isKnownModel: { ["gpt-4o-mini", "gpt-5", "text-embedding-3-small", "unclear"].contains($0) })

  static func delivery(_ body: String = chat, headers: FieldTable? = nil) -> Delivery {
    delivery(bytes: Array(body.utf8), headers: headers)
  }

  static func delivery(bytes: [UInt8], headers: FieldTable? = nil) -> Delivery {
    var properties = MessageProperties()
    properties.headers = headers
    properties.messageID = Array("m-1".utf8)
    properties.correlationID = Array("c-1".utf8)
    return Delivery(
      token: DeliveryToken(generation: 1, tag: 1), exchange: Array("llm.requests".utf8),
      routingKey: Array("deferred.x".utf8), redelivered: false, properties: properties, body: bytes)
  }

  static func decode(_ delivery: Delivery, options: DecodingOptions = options) -> DecodedMessage {
    RequestDecoder(options: options).decode(delivery, queueLane: .deferred, receivedAt: receivedAt)
  }
}

extension DecodedMessage {
  var request: DecodedRequest? {
    if case .request(let request) = self { request } else { nil }
  }

  var poison: PoisonRequest? {
    if case .poison(let poison) = self { poison } else { nil }
  }

  var envelope: Envelope {
    switch self {
    case .request(let request): request.envelope
    case .cancel(let cancel): cancel.envelope
    case .poison(let poison): poison.envelope
    }
  }
}

extension RequestBody {
  var text: String { String(decoding: bytes, as: UTF8.self) }
  var modelText: String { String(decoding: bytes[modelRange], as: UTF8.self) }
}
