import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import Testing
import Wire

@testable import ProviderSimulator

/// A simulator that answers on a port of its own, and what tests ask of it.
struct LiveSimulator {
  let client: any TestClientProtocol
  let simulator: Simulator

  /// Runs a simulator on the directory for as long as the body takes.
  static func run<Value: Sendable>(
    in directory: String, seed: UInt64 = 1, keys: [String] = [], change: (inout Behaviour) -> Void = { _ in },
    _ body: @escaping @Sendable (LiveSimulator) async throws -> Value
  ) async throws -> Value {
    var behaviour = Behaviour()
    behaviour.removeLatency()
    change(&behaviour)
    let settings = SimulatorSettings(
      stateDirectory: directory, seed: seed, credentials: Credentials(keys: keys), behaviour: behaviour)
    let simulator = try Simulator(settings: settings, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    do {
      let value = try await simulator.application(host: "127.0.0.1", port: 0).test(.live) { client in
        try await body(LiveSimulator(client: client, simulator: simulator))
      }
      await simulator.close()
      return value
    } catch {
      await simulator.close()
      throw error
    }
  }

  struct Answer {
    var status: Int
    var headers: HTTPFields
    var body: [UInt8]

    var json: JSONSlice {
      get throws { try JSONSlice.parse(body) }
    }
  }

  func send(
    _ method: HTTPRequest.Method, _ uri: String, _ body: String? = nil, key: String = "sk-test",
    type: String = "application/json"
  ) async throws -> Answer {
    var headers: HTTPFields = [.authorization: "Bearer \(key)", .userAgent: "a test"]
    if body != nil { headers[.contentType] = type }
    return try await client.execute(
      uri: uri, method: method, headers: headers, body: body.map { ByteBuffer(string: $0) }
    ) { response in
      Answer(status: response.status.code, headers: response.headers, body: Array(response.body.readableBytesView))
    }
  }

  func chat(_ text: String, key: String = "sk-test") async throws -> Answer {
    try await send(
      .post, "/v1/chat/completions", #"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"\#(text)"}]}"#,
      key: key)
  }

  func upload(_ content: String, name: String = "in.jsonl", purpose: String = "batch") async throws -> Answer {
    let form = """
      --B\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n\(purpose)\r\n--B\r\n\
      Content-Disposition: form-data; name="file"; filename="\(name)"\r\n\r\n\(content)\r\n--B--\r\n
      """
    return try await send(.post, "/v1/files", form, type: "multipart/form-data; boundary=B")
  }

  static func row(_ id: String, _ text: String) -> String {
    #"{"custom_id":"\#(id)","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-4o-mini","#
      + #""messages":[{"role":"user","content":"\#(text)"}]}}"# + "\n"
  }

  /// Uploads rows and creates a batch of them. Returns its id.
  func start(_ rows: [String]) async throws -> String {
    let file = try #require(try await upload(rows.joined()).json["id"]?.string)
    let batch = try await send(
      .post, "/v1/batches",
      #"{"input_file_id":"\#(file)","endpoint":"/v1/chat/completions","completion_window":"24h"}"#)
    #expect(batch.status == 200)
    #expect(try batch.json["status"]?.string == "validating")
    return try #require(try batch.json["id"]?.string)
  }

  /// Looks at the batch until it satisfies the condition.
  func wait(for id: String, until isDone: (JSONSlice) -> Bool = LiveSimulator.isTerminal) async throws -> JSONSlice {
    while true {
      let batch = try await send(.get, "/v1/batches/\(id)").json
      if isDone(batch) { return batch }
      try await Task.sleep(for: .milliseconds(2))
    }
  }

  static let terminal: Set<String> = ["completed", "failed", "expired", "cancelled"]

  static func isTerminal(_ batch: JSONSlice) -> Bool { batch["status"]?.string.map(terminal.contains) ?? false }

  /// The lines of a result file by custom_id; each id must come once.
  func results(_ batch: JSONSlice, _ file: String) async throws -> [String: JSONSlice] {
    guard let id = batch[file]?.string else { return [:] }
    var results: [String: JSONSlice] = [:]
    for line in try await send(.get, "/v1/files/\(id)/content").body.split(separator: 0x0A) {
      let result = try JSONSlice.parse(Array(line))
      let customID = try #require(result["custom_id"]?.string)
      #expect(results.updateValue(result, forKey: customID) == nil, "\(customID) came twice")
    }
    return results
  }

  /// The witness.
  func log() async throws -> [JSONSlice] {
    try await send(.get, "/_sim/log").body.split(separator: 0x0A).map { try JSONSlice.parse(Array($0)) }
  }

  func change(_ faults: String) async throws {
    #expect(try await send(.post, "/_sim/faults", faults).status == 200)
  }

  func stat(_ name: String) async throws -> Int64? {
    try await send(.get, "/_sim/stats").json[name]?.int64
  }
}

extension HTTPField.Name {
  static let limitRequests = HTTPField.Name("x-ratelimit-limit-requests")!
  static let remainingRequests = HTTPField.Name("x-ratelimit-remaining-requests")!
  static let limitTokens = HTTPField.Name("x-ratelimit-limit-tokens")!
}
