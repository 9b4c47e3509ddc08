import BatchCore
import Providers

func makeAnthropic(
  _ http: any HTTPExchanging, endpoint: String = "https://api.example.test/",
  _ change: (inout AnthropicConfiguration) -> Void = { _ in }
) -> AnthropicProvider {
  var configuration = AnthropicConfiguration(
    name: "claude", endpoint: endpoint, apiKeys: [APIKey(secret: testSecret, fingerprint: "aabbccdd")])
  change(&configuration)
  return AnthropicProvider(configuration: configuration, http: http) { testNow }
}

/// Rows that may be read more than once.
struct RowChunks: BatchRows {
  var chunks: [[BatchRow]]
  var isBroken = false

  func source() -> any BatchRowSource { Rows(chunks, isBroken: isBroken) }
}

/// The objects of the provider's documentation, as they are.
enum MessageSamples {
  static let running = #"""
    {"id":"msgbatch_1","type":"message_batch","processing_status":"in_progress",
     "request_counts":{"processing":1,"succeeded":0,"errored":0,"canceled":0,"expired":0},
     "created_at":"2026-11-23T10:00:00Z","expires_at":"2026-11-24T10:00:00Z","ended_at":null,"cancel_initiated_at":null,"archived_at":null,"results_url":null}
    """#

  static let results = [
    #"{"custom_id":"r-1","result":{"type":"succeeded","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-haiku-5-5","content":[{"type":"text","text":"Hello"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":10,"output_tokens":5}}}}"#,
    #"{"custom_id":"r-2","result":{"type":"errored","error":{"type":"error","error":{"type":"invalid_request_error","message":"..."},"request_id":"req_1"}}}"#,
    #"{"custom_id":"r-3","result":{"type":"canceled"}}"#,
    #"{"custom_id":"r-4","result":{"type":"expired"}}"#,
  ]

  static let request =
    #"{"requests":[{"custom_id":"r-1","params":{"model":"claude-haiku-5-5","max_tokens":256,"messages":[{"role":"user","content":"hi"}]}}]}"#

  static func error(_ type: String, _ more: String = "") -> String {
    #"{"type":"error","error":{"type":"\#(type)","message":"m"\#(more)},"request_id":"req_1"}"#
  }

  static func ended(
    _ id: String, succeeded: Int = 0, errored: Int = 0, canceled: Int = 0, expired: Int = 0, cancelled: Bool = false,
    created: String = "2026-11-23T10:00:00.123456+00:00", hasResults: Bool = true
  ) -> String {
    let results = hasResults ? #""https://elsewhere.test/v1/messages/batches/x/results""# : "null"
    return #"""
      {"id":"\#(id)","type":"message_batch","processing_status":"ended","something_new":[{}],
       "request_counts":{"processing":0,"succeeded":\#(succeeded),"errored":\#(errored),"canceled":\#(canceled),"expired":\#(expired)},
       "created_at":"\#(created)","cancel_initiated_at":\#(cancelled ? "\"2026-11-23T11:00:00Z\"" : "null"),"results_url":\#(results)}
      """#
  }
}
