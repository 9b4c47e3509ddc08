import BatchCore
import Providers

/// What is asked of every adapter, each with an answer of its own.
protocol Parsers: Sendable {
  func call(_ call: ProviderCall) async -> CallOutcome
  func retrieve(_ batchID: String) async throws(ProviderError) -> BatchSnapshot
  func cancel(_ batchID: String) async throws(ProviderError) -> BatchSnapshot
  func create(
    _ submission: BatchSubmission, input: BatchInput, timeout: Duration
  ) async throws(ProviderError) -> BatchSnapshot
  func findBatches(_ search: BatchSearch) async throws(ProviderError) -> [BatchSnapshot]
  func findFile(label: String) async throws(ProviderError) -> String?
  func results(fileID: String) async throws(ProviderError) -> any BatchResultSource
  func results(fileID: String, of endpoint: Endpoint) async throws(ProviderError) -> any BatchResultSource
}

extension Parsers {
  func results(fileID: String, of endpoint: Endpoint) async throws(ProviderError) -> any BatchResultSource {
    try await results(fileID: fileID)
  }
}

extension OpenAIProvider: Parsers {}
extension AnthropicProvider: Parsers {}
extension GeminiProvider: Parsers {}
extension MistralProvider: Parsers {}

/// An adapter with what it is asked for.
struct Subject {
  var parsers: any Parsers
  var endpoint: Endpoint
  var input = BatchInput.file("f")

  /// All there are.
  static func all(_ http: any HTTPExchanging) -> [Subject] {
    let keys = [APIKey(secret: "sk-fuzz", fingerprint: "aabbccdd")]
    let address = "https://fuzz.test/v1"
    let now: @Sendable () -> Timestamp = { Timestamp(milliseconds: 1_790_000_000_000) }
    var subjects: [Subject] = []
    for dialect in [.openAI, .azure(apiVersion: nil, batchDeployments: [:])] + OpenAIDialect.deviations {
      let configuration = OpenAIConfiguration(name: "p", dialect: dialect, endpoint: address, apiKeys: keys)
      subjects.append(
        Subject(parsers: OpenAIProvider(configuration: configuration, http: http, now: now), endpoint: .responses))
    }
    let anthropic = AnthropicProvider(
      configuration: AnthropicConfiguration(name: "p", endpoint: address, apiKeys: keys), http: http, now: now)
    for endpoint in [Endpoint.messages, .chatCompletions] {
      subjects.append(Subject(parsers: anthropic, endpoint: endpoint, input: .rows(NoRows())))
    }
    let gemini = GeminiProvider(
      configuration: GeminiConfiguration(name: "p", endpoint: address, apiKeys: keys), http: http, now: now)
    for endpoint in [Endpoint.generateContent, .chatCompletions] {
      subjects.append(Subject(parsers: gemini, endpoint: endpoint))
    }
    let mistral = MistralProvider(
      configuration: MistralConfiguration(name: "p", endpoint: address, apiKeys: keys), http: http, now: now)
    for endpoint in [Endpoint.mistralChat, .chatCompletions, .embeddings] {
      subjects.append(Subject(parsers: mistral, endpoint: endpoint))
    }
    return subjects
  }
}

struct NoRows: BatchRows, BatchRowSource {
  func source() -> any BatchRowSource { self }
  func next() async throws -> [BatchRow]? { nil }
}
