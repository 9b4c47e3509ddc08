internal import BatchCore

/// The properties and headers of a request that mean something to us, read in one pass.
struct RequestHeaders {
  var tags = CostTags()
  var trace = TraceContext()
  var idempotencyKey: String?
  var replayNonce: String?
  var lane: LaneChoice?
  var deadline: Timestamp?
  var endpoint: Endpoint?
  var format: BodyFormat?
  var callbackURL: String?
  var noReply = false
  /// The first complaint; everything else is still read, as far as it makes sense.
  var failure: Failure?

  init(_ properties: MessageProperties, options: DecodingOptions, receivedAt: Timestamp) {
    var reader = HeaderReader(options: options)
    var tenant: String?
    var delay: Duration?
    let entries = properties.headers?.entries ?? []
    for (place, entry) in entries.enumerated() {
      guard let name = String(validating: entry.key, as: UTF8.self) else { continue }
      guard name.hasPrefix("x-") || name.hasPrefix("trace") || name == options.traceIDHeader else { continue }
      // A table may hold a key twice; the first counts, as in `FieldTable`.
      guard entry.value != .void, !entries[..<place].contains(where: { $0.key == entry.key }) else { continue }
      switch name {
      case "x-tenant": tenant = reader.tag(name, entry.value)
      case "x-cost-center": tags.costCenter = reader.tag(name, entry.value)
      case "x-user": tags.user = reader.tag(name, entry.value)
      case "x-service": tags.service = reader.tag(name, entry.value)
      case "x-environment": tags.environment = reader.tag(name, entry.value)
      case "traceparent": trace.traceparent = reader.text(name, entry.value)
      case "tracestate": trace.tracestate = reader.longText(name, entry.value)
      case options.traceIDHeader: trace.batchTraceID = reader.text(name, entry.value)
      case "x-idempotency-key": idempotencyKey = reader.key(name, entry.value)
      case "x-millrace-replay": replayNonce = reader.uuid(name, entry.value)
      case "x-lane": lane = reader.lane(name, entry.value)
      case "x-deadline": deadline = reader.moment(name, entry.value)
      case "x-deadline-ms": delay = reader.milliseconds(name, entry.value)
      case "x-endpoint": endpoint = Self.endpoint(name, entry.value, &reader)
      case "x-format": format = reader.format(name, entry.value)
      case "x-callback-url": callbackURL = reader.callbackURL(name, entry.value)
      case "x-no-reply": noReply = reader.flag(name, entry.value)
      default: break
      }
    }
    if let delay {
      let moment = (properties.timestamp.map { Timestamp(unixSeconds: $0) } ?? receivedAt) + delay
      deadline = min(deadline ?? moment, moment)
    }
    tags.tenant = Self.tenant(header: tenant, userID: properties.userID, &reader)
    failure = reader.failure
  }

  private static func endpoint(_ name: String, _ value: FieldValue, _ reader: inout HeaderReader) -> Endpoint? {
    guard let text = value.text else {
      reader.refuse(name, value, allowed: Endpoint.allowedPaths)
      return nil
    }
    if let endpoint = Endpoint(lenientPath: text) { return endpoint }
    reader.fail(.unsupportedEndpoint, "\(name) \(quoted(text)) is not supported, allowed is \(Endpoint.allowedPaths)")
    return nil
  }

  private static func tenant(header: String?, userID: [UInt8]?, _ reader: inout HeaderReader) -> String {
    guard reader.options.tenantSource == .userID else { return header ?? CostTags.defaultTenant }
    let authenticated = userID.map { FieldValue.string($0) }.flatMap { reader.tag("property user_id", $0) }
    let tenant = authenticated ?? CostTags.defaultTenant
    if let header, header != tenant {
      reader.fail(
        .invalidHeader,
        "x-tenant: got \(quoted(header)), allowed is the authenticated user_id \(quoted(tenant)) or no header")
    }
    return tenant
  }
}

extension Endpoint {
  static let allowedPaths = allCases.map(\.path).joined(separator: ", ")

  /// Whether its bodies hold `messages`, by which they cannot be told from OpenAI's.
  var takesMessages: Bool { self == .chatCompletions || self == .messages || self == .mistralChat }

  /// The path with or without `/v1`.
  init?(lenientPath path: String) {
    if let endpoint = Endpoint(path: path) ?? Endpoint(path: "/v1" + path) {
      self = endpoint
    } else {
      return nil
    }
  }
}
