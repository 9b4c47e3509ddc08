internal import BatchCore

/// What a body asks a provider for.
struct ProviderRequest {
  var endpoint: Endpoint
  var model: String
  var body: RequestBody
  var prompt: PromptContent
  var maximumOutputTokens: Int?
  var choices = 1
  var asksForLikeliest = false
}

/// Reads a body in any of its three forms. What was found before a failure stays, since the error reply needs it too.
struct RequestBodyReader {
  private let options: DecodingOptions
  private let headerEndpoint: Endpoint?
  private let format: BodyFormat?
  private(set) var customID: String?
  private(set) var callbackURL: String?
  /// Over endpoint and provider body, once both are known.
  private(set) var bodyHash: SHA256Digest?

  static let maximumModelBytes = 255

  init(options: DecodingOptions, headerEndpoint: Endpoint?, format: BodyFormat? = nil) {
    self.options = options
    self.headerEndpoint = headerEndpoint
    self.format = format
  }

  mutating func read(_ bytes: [UInt8]) throws(Failure) -> ProviderRequest {
    let root = try parse(bytes)
    guard root.kind == .object else {
      throw Failure(.invalidRequest, "the body is no JSON object; send one with model and messages or input")
    }
    let fields = BodyFields(root)
    customID = fields.ownID
    if let body = fields.body, body.kind == .object { return try readBatchLine(body, wrapper: fields) }
    if fields.id != nil || fields.maxTokens != nil || fields.callbackURL != nil {
      return try readShortForm(root, fields)
    }
    if fields.firstRepeated(of: ["custom_id"]) != nil { throw Self.repeated("custom_id") }
    return try readProviderBody(root, fields, endpoint: headerEndpoint)
  }

  private func parse(_ bytes: [UInt8]) throws(Failure) -> JSONSlice {
    if bytes.isEmpty { throw Failure(.invalidJSON, "the body is empty") }
    do {
      return try JSONSlice.parse(bytes, maximumDepth: options.maximumDepth, loneSurrogates: .refused)
    } catch {
      throw Failure(.invalidJSON, "the body is not valid JSON: \(error)")
    }
  }

  /// `{"custom_id", "method", "url", "body"}`
  private mutating func readBatchLine(_ body: JSONSlice, wrapper: BodyFields) throws(Failure) -> ProviderRequest {
    if let key = wrapper.firstRepeated(of: BodyFields.wrapperKeys) { throw Self.repeated(key) }
    if let method = wrapper.method, !method.isNull, method.string != "POST" {
      throw Failure(.invalidRequest, "method: got \(Self.describe(method)), allowed is \"POST\"")
    }
    var endpoint = headerEndpoint
    if let url = wrapper.url, !url.isNull {
      guard let text = url.string else {
        throw Failure(.invalidRequest, "url: got \(Self.describe(url)), allowed is \(Endpoint.allowedPaths)")
      }
      guard let named = Endpoint(lenientPath: text) else {
        throw Failure(
          .unsupportedEndpoint, "url \(quoted(text)) is not supported, allowed is \(Endpoint.allowedPaths)")
      }
      if let headerEndpoint, headerEndpoint != named {
        throw Failure(
          .invalidHeader,
          "x-endpoint: got \(headerEndpoint.path), but the body's url is \(named.path); send one of them or the same")
      }
      endpoint = named
    }
    return try readProviderBody(body, BodyFields(body), endpoint: endpoint)
  }

  /// `{"id", "model", "messages", "maxTokens", "callbackUrl"}`
  private mutating func readShortForm(_ root: JSONSlice, _ fields: BodyFields) throws(Failure) -> ProviderRequest {
    let acted = ["custom_id"] + BodyFields.shortFormKeys + BodyFields.providerKeys
    if let key = fields.firstRepeated(of: acted) { throw Self.repeated(key) }
    if let callback = fields.callbackURL, !callback.isNull {
      guard let url = callback.string, CallbackURL.isAllowed(url) else {
        throw Failure(.invalidRequest, "callbackUrl: allowed is \(CallbackURL.allowed)")
      }
      callbackURL = url
    }
    let endpoint = try endpoint(fields, model: modelName(fields), named: headerEndpoint)
    var edits = JSONEdits()
    if let maxTokens = fields.maxTokens, !maxTokens.value.isNull {
      let replacement = try providerField(maxTokens, endpoint, fields)
      edits.replace(maxTokens.keyRange.lowerBound..<maxTokens.value.range.upperBound, with: replacement)
      edits.removeMembers(of: root) { ["id", "callbackUrl"].contains($0.key) }
    } else {
      edits.removeMembers(of: root) { BodyFields.shortFormKeys.contains($0.key) }
    }
    let body = try parse(edits.apply(to: root))
    return try readProviderBody(body, BodyFields(body), endpoint: endpoint)
  }

  /// The member that says at the provider what `maxTokens` says here.
  private func providerField(
    _ maxTokens: JSONMember, _ endpoint: Endpoint, _ fields: BodyFields
  ) throws(Failure) -> [UInt8] {
    let name: String
    switch endpoint {
    case .chatCompletions: name = "max_completion_tokens"
    case .responses: name = "max_output_tokens"
    case .messages, .mistralChat: name = "max_tokens"
    case .generateContent:
      throw Failure(.invalidRequest, "maxTokens: \(endpoint.path) has its limit in generationConfig; use that")
    case .embeddings:
      throw Failure(.invalidRequest, "maxTokens: \(endpoint.path) takes no such limit; leave it out")
    }
    guard let value = maxTokens.value.int64, value > 0 else {
      throw Failure(
        .invalidRequest, "maxTokens: got \(Self.describe(maxTokens.value)), allowed is a positive integer")
    }
    if let other = fields.outputLimits.first {
      throw Failure(.invalidRequest, "maxTokens and \(other.name) are both given; send one of them")
    }
    return Array("\"\(name)\":\(value)".utf8)
  }

  private mutating func readProviderBody(
    _ body: JSONSlice, _ fields: BodyFields, endpoint named: Endpoint?
  ) throws(Failure) -> ProviderRequest {
    if let key = fields.firstRepeated(of: BodyFields.providerKeys) { throw Self.repeated(key) }
    let model = try modelName(fields)
    let endpoint = try endpoint(fields, model: model, named: named)
    bodyHash = Self.hash(endpoint, body)
    guard options.isKnownModel(model) else { throw Self.unknown(model) }
    return ProviderRequest(
      endpoint: endpoint, model: model, body: try ProviderBody.make(body, fields),
      prompt: PromptReader.read(body, endpoint: endpoint),
      maximumOutputTokens: Self.maximumOutputTokens(fields),
      choices: Int(clamping: max(1, fields.wantedChoices?.int64 ?? 1)), asksForLikeliest: fields.asksForLikeliest)
  }

  private func modelName(_ fields: BodyFields) throws(Failure) -> String {
    guard let model = fields.model, !model.isNull else {
      throw Failure(.invalidRequest, "model is missing; allowed is the name of a configured model")
    }
    // No store keeps U+0000 in a text, and no model has it in its name.
    guard let name = model.string, (1...Self.maximumModelBytes).contains(name.utf8.count), !name.utf8.contains(0) else {
      throw Failure(
        .invalidRequest,
        "model: got \(Self.describe(model)), allowed is a string of 1 to \(Self.maximumModelBytes) bytes without U+0000"
      )
    }
    return name
  }

  private func endpoint(_ fields: BodyFields, model: String, named: Endpoint?) throws(Failure) -> Endpoint {
    let native = options.nativeEndpoint(model)
    if let named {
      // Where the provider's own shape has OpenAI's path, the format tells them apart.
      if format == .native, let native, native.sentPath == named.path { return native }
      try check(format, named, native)
      return named
    }
    if fields.messages != nil {
      if native?.takesMessages == false {
        try check(format, .chatCompletions, native)
        return .chatCompletions
      }
      return format == .openai ? .chatCompletions : native ?? .chatCompletions
    }
    if fields.contents != nil {
      try check(format, .generateContent, native)
      return .generateContent
    }
    guard fields.input != nil else {
      throw Failure(
        .invalidRequest, "the body has neither messages nor input; name the endpoint in the header x-endpoint")
    }
    guard options.isKnownModel(model) else { throw Self.unknown(model) }
    if let endpoint = options.modelMode(model) { return endpoint }
    throw Failure(
      .invalidRequest,
      "the model table does not say what input means for \(quoted(model)); name the endpoint in the header x-endpoint")
  }

  /// A format that contradicts the endpoint would be read as the wrong shape.
  private func check(_ format: BodyFormat?, _ named: Endpoint, _ native: Endpoint?) throws(Failure) {
    let fits =
      switch format {
      case nil: true
      case .openai: Endpoint.openAI.contains(named)
      case .native: native == nil || native == named
      }
    guard !fits, let format else { return }
    throw Failure(
      .invalidHeader, "x-format: got \(format.rawValue), but the endpoint is \(named.path); send one of them")
  }

  private static func hash(_ endpoint: Endpoint, _ body: JSONSlice) -> SHA256Digest {
    var hasher = SHA256()
    hasher.update(field: endpoint.path.utf8)
    hasher.update(field: body.raw)
    return hasher.finalize()
  }

  private static func maximumOutputTokens(_ fields: BodyFields) -> Int? {
    for limit in fields.outputLimits {
      if let value = limit.value.int64, value > 0 { return Int(clamping: value) }
    }
    return nil
  }

  private static func unknown(_ model: String) -> Failure {
    Failure(.unknownModel, "model \(quoted(model)) is not configured")
  }

  private static func repeated(_ key: String) -> Failure {
    Failure(.invalidRequest, "\(key) is given more than once")
  }

  /// What came instead; text of the publisher is not quoted but counted, since it may be a prompt.
  private static func describe(_ value: JSONSlice) -> String {
    switch value.kind {
    case .object: "an object"
    case .array: "an array"
    case .string: "a string of \(value.string?.utf8.count ?? 0) bytes"
    case .number: "number \(quoted(String(decoding: value.raw.prefix(40), as: UTF8.self)))"
    case .bool: value.bool == true ? "true" : "false"
    case .null: "null"
    }
  }
}
