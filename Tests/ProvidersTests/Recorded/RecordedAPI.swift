import BatchCore
import Wire

@testable import Providers

/// The parsers of one kind of provider, given what it was seen to send.
enum RecordedAPI: Sendable {
  case openAI
  case azure
  case anthropic
  case gemini
  case mistral

  func snapshot(_ text: String) throws -> BatchSnapshot? {
    let body = try JSONSlice.parse(Array(text.utf8), maximumDepth: JSONDepth.answers)
    return switch self {
    case .openAI: StandardShape().snapshot(body)
    case .azure: AzureShape().snapshot(body)
    case .anthropic: MessageBatchSnapshot.snapshot(body)
    case .gemini: GeminiSnapshot.snapshot(body)
    case .mistral: MistralJob.snapshot(body)
    }
  }

  /// What becomes of a call that is answered so.
  func call(_ status: Int, _ body: String, _ headers: [HTTPExchange.Header] = []) async -> CallOutcome {
    let http = ScriptedHTTP(.answer(status, headers, body))
    func call(_ endpoint: Endpoint) -> ProviderCall {
      ProviderCall(
        endpoint: endpoint, model: "m", body: makeBody(#"{"model":"g-*","messages":[]}"#, model: "g-*"),
        timeout: .seconds(9))
    }
    return switch self {
    case .openAI: await makeProvider(http).call(call(.chatCompletions))
    case .azure: await Self.azureProvider(http).call(call(.chatCompletions))
    case .anthropic: await makeAnthropic(http).call(call(.messages))
    case .gemini: await makeGemini(http).call(call(.generateContent))
    case .mistral: await makeMistral(http).call(call(.mistralChat))
    }
  }

  /// What a file of these lines holds.
  func results(_ lines: [String]) async throws(ProviderError) -> [BatchResult] {
    let http = ScriptedHTTP(.stream(200, lines.map { Array(($0 + "\n").utf8) }))
    let source: any BatchResultSource =
      switch self {
      case .openAI: try await makeProvider(http).results(fileID: "f")
      case .azure: try await Self.azureProvider(http).results(fileID: "f")
      case .anthropic: try await makeAnthropic(http).results(fileID: "f")
      case .gemini: try await makeGemini(http).results(fileID: "files/f")
      case .mistral: try await makeMistral(http).results(fileID: "f")
      }
    var results: [BatchResult] = []
    while let part = try await source.next() { results += part }
    return results
  }

  static func azureProvider(_ http: ScriptedHTTP) -> OpenAIProvider {
    makeProvider(http, endpoint: "https://res.openai.azure.test/openai/v1") {
      $0.name = "azure"
      $0.dialect = .azure(apiVersion: nil, batchDeployments: [:])
      $0.sleep = { _ in }
    }
  }

  /// The text as it was recorded, and as a later version of the API may send it: each object with a member more, in front of
  /// its own.
  static func bothWays(_ text: String) throws -> [String] { [text, try withUnknownMembers(text)] }

  static func withUnknownMembers(_ text: String) throws -> String {
    var writer = JSONWriter()
    write(try JSONSlice.parse(Array(text.utf8), maximumDepth: JSONDepth.answers), into: &writer)
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  private static func write(_ value: JSONSlice, into writer: inout JSONWriter) {
    switch value.kind {
    case .object:
      writer.beginObject()
      writer.key("brand_new")
      writer.raw(#"{"a":[1.50,null,"b"]}"#.utf8)
      for member in value.members {
        writer.key(member.key)
        write(member.value, into: &writer)
      }
      writer.endObject()
    case .array:
      writer.beginArray()
      for element in value.elements { write(element, into: &writer) }
      writer.endArray()
    case .string, .number, .bool, .null: writer.raw(value.raw)
    }
  }
}

extension BatchResult {
  /// The provider's body as text.
  var bodyText: String? { response.map { String(decoding: $0.body, as: UTF8.self) } }
}
