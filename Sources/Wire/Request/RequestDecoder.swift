public import BatchCore

/// Turns a delivery into a request, a cancellation or a complaint. Never fails otherwise, whatever the bytes.
public struct RequestDecoder: Sendable {
  private let options: DecodingOptions

  public init(options: DecodingOptions) {
    self.options = options
  }

  /// - Parameter receivedAt: the first receipt, as far as it is known: `x-deadline-ms` counts from it where the message
  ///   has no timestamp.
  public func decode(_ delivery: Delivery, queueLane: Lane, receivedAt: Timestamp) -> DecodedMessage {
    let headers = RequestHeaders(delivery.properties, options: options, receivedAt: receivedAt)
    if delivery.properties.type.map({ $0.elementsEqual("llm.cancel".utf8) }) == true {
      return cancel(delivery, headers)
    }
    var reader = RequestBodyReader(options: options, headerEndpoint: headers.endpoint, format: headers.format)
    let payload = decodedBody(of: delivery)
    let request = payload.flatMap { bytes in
      Result { () throws(Failure) in try reader.read(bytes) }
    }
    let bodyHash = reader.bodyHash ?? SHA256Digest.of((try? payload.get()) ?? delivery.body)
    var envelope = envelope(
      of: delivery, headers, .request, customID: reader.customID, bodyHash: bodyHash)
    let callback = callbackFailure(header: headers.callbackURL, body: reader.callbackURL)
    if callback == nil { envelope.callbackURL = headers.callbackURL ?? reader.callbackURL }
    var failure = headers.failure ?? callback
    if headers.noReply {
      envelope.noReply = envelope.callbackURL != nil
      if failure == nil && !envelope.noReply {
        failure = Failure(.invalidHeader, "x-no-reply: got true, allowed only with x-callback-url or callbackUrl")
      }
    }
    switch request {
    case .failure(let complaint):
      return .poison(PoisonRequest(envelope: envelope, bodyHash: bodyHash, failure: failure ?? complaint))
    case .success(let request):
      if let failure { return .poison(PoisonRequest(envelope: envelope, bodyHash: bodyHash, failure: failure)) }
      return .request(
        DecodedRequest(
          envelope: envelope, endpoint: request.endpoint, model: request.model, body: request.body, bodyHash: bodyHash,
          lane: headers.lane, queueLane: queueLane, deadline: headers.deadline,
          prompt: request.prompt, maximumOutputTokens: request.maximumOutputTokens, choices: request.choices,
          asksForLikeliest: request.asksForLikeliest))
    }
  }

  /// The answer to a delivery whose body must not be touched, because earlier tries at it did not survive.
  public func refuse(_ delivery: Delivery, with failure: Failure, receivedAt: Timestamp) -> PoisonRequest {
    let headers = RequestHeaders(delivery.properties, options: options, receivedAt: receivedAt)
    let bodyHash = SHA256Digest.of(delivery.body)
    let envelope = envelope(
      of: delivery, headers, .request, customID: nil, bodyHash: bodyHash)
    return PoisonRequest(envelope: envelope, bodyHash: bodyHash, failure: failure)
  }

  /// How often the broker has delivered the message before; 0 where it does not say.
  public static func deliveryCount(of delivery: Delivery) -> Int {
    max(0, delivery.properties.headers?["x-delivery-count"]?.integer.map { Int(clamping: $0) } ?? 0)
  }

  private func cancel(_ delivery: Delivery, _ headers: RequestHeaders) -> DecodedMessage {
    let bodyHash = SHA256Digest.of(delivery.body)
    let envelope = envelope(of: delivery, headers, .cancel, customID: nil, bodyHash: bodyHash)
    let correlationID = CorrelationID.usable(delivery.properties.correlationID)
    if let failure = headers.failure {
      return .poison(PoisonRequest(envelope: envelope, bodyHash: bodyHash, failure: failure))
    }
    guard let correlationID else {
      let failure = Failure(
        .invalidRequest, "a message of type llm.cancel names what it cancels in the property correlation_id")
      return .poison(PoisonRequest(envelope: envelope, bodyHash: bodyHash, failure: failure))
    }
    return .cancel(
      CancelRequest(envelope: envelope, tenant: headers.tags.tenant, correlationID: correlationID))
  }

  private func decodedBody(of delivery: Delivery) -> Result<[UInt8], Failure> {
    let encoding = String(decoding: delivery.properties.contentEncoding ?? [], as: UTF8.self).lowercased()
    switch encoding {
    // Some client libraries put the character set here.
    case "", "identity", "utf-8":
      guard delivery.body.count <= options.maximumMessageBytes else { return .failure(tooLarge(delivery.body.count)) }
      return .success(delivery.body)
    case "gzip":
      do throws(GzipError) {
        return .success(try Gzip.decode(delivery.body, maximumBytes: options.maximumMessageBytes))
      } catch {
        if case .tooLarge = error { return .failure(tooLarge(nil)) }
        return .failure(Failure(.invalidRequest, "content_encoding is gzip, but the body cannot be read: \(error)"))
      }
    default:
      return .failure(
        Failure(.invalidRequest, "content_encoding: got \(quoted(encoding)), allowed is gzip or none"))
    }
  }

  private func tooLarge(_ size: Int?) -> Failure {
    let found = size.map { "the body has \($0) bytes" } ?? "the decompressed body has more bytes"
    return Failure(.tooLarge, "\(found), allowed are \(options.maximumMessageBytes) (amqp.max_message_bytes)")
  }

  private func callbackFailure(header: String?, body: String?) -> Failure? {
    guard let header, let body, header != body else { return nil }
    return Failure(.invalidHeader, "x-callback-url and the body's callbackUrl differ; send one of them or the same")
  }

  private func envelope(
    of delivery: Delivery, _ headers: RequestHeaders, _ purpose: Identity.Purpose, customID: String?,
    bodyHash: SHA256Digest
  ) -> Envelope {
    let properties = delivery.properties
    let tenant = headers.tags.tenant
    let identity: Identity
    if let key = headers.idempotencyKey {
      identity = Identity(tenant: tenant, purpose: purpose, key: key)
    } else if let messageID = properties.messageID, !messageID.isEmpty {
      identity = Identity(tenant: tenant, purpose: purpose, messageID: messageID, bodyHash: bodyHash)
    } else {
      identity = Identity(tenant: tenant, purpose: purpose, fingerprintOf: delivery)
    }
    let replyTo = properties.replyTo.flatMap { $0.isEmpty ? nil : $0 }
    let given =
      CorrelationID.usable(properties.correlationID) ?? CorrelationID.usable(customID.map { Array($0.utf8) })
      ?? CorrelationID.usable(properties.messageID)
    let ledgerID = LedgerID(identity: identity, correlationID: given ?? [], replyTo: replyTo)
    return Envelope(
      identity: identity, ledgerID: ledgerID, correlationID: given ?? Array(ledgerID.text.utf8),
      correlationGenerated: given == nil, replyTo: replyTo, customID: customID, tags: headers.tags,
      trace: headers.trace, callbackURL: headers.callbackURL, noReply: false, replayNonce: headers.replayNonce)
  }
}

/// What may be the correlation ID of a reply, and so its routing key.
enum CorrelationID {
  static let maximumBytes = 255

  /// The bytes, if they are 1 to 255 of UTF-8.
  static func usable(_ bytes: [UInt8]?) -> [UInt8]? {
    guard let bytes, (1...maximumBytes).contains(bytes.count), UTF8Sequence.isValid(bytes) else { return nil }
    return bytes
  }
}
