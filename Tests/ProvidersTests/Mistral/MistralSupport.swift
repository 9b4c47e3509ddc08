import BatchCore
import Providers

func makeMistral(
  _ http: any HTTPExchanging, endpoint: String = "https://api.example.test/v1",
  _ change: (inout MistralConfiguration) -> Void = { _ in }
) -> MistralProvider {
  var configuration = MistralConfiguration(
    name: "mistral", endpoint: endpoint, apiKeys: [APIKey(secret: testSecret, fingerprint: "aabbccdd")])
  change(&configuration)
  return MistralProvider(configuration: configuration, http: http) { testNow }
}

/// The objects of the provider's documentation, as they are, and what may be in their places.
enum MistralSamples {
  static let create =
    #"{"input_files":["UUID"],"endpoint":"/v1/chat/completions","model":"mistral-small-latest","metadata":{"millrace_label":"01HX"},"timeout_hours":24}"#

  static let job = #"""
    {"id":"UUID","object":"batch","input_files":["UUID"],"endpoint":"/v1/chat/completions","model":"mistral-small-latest","agent_id":null,"metadata":{},
     "status":"RUNNING","errors":[{"message":"...","count":3}],"created_at":1,"started_at":2,"completed_at":null,
     "total_requests":2,"completed_requests":1,"succeeded_requests":1,"failed_requests":0,"output_file":null,"error_file":null,"outputs":null}
    """#

  static let line =
    #"{"custom_id":"r-1","response":{"status_code":200,"body":{"usage":{"prompt_tokens":7,"completion_tokens":5,"total_tokens":12,"brand_new":{}}}},"error":null}"#

  static let validation =
    #"{"detail":[{"loc":["body","messages",0,"role"],"msg":"Input should be 'user'","type":"literal_error"}]}"#

  static let answer =
    #"{"id":"cmpl-1","object":"chat.completion","created":9,"model":"mistral-small-2603","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","tool_calls":null,"content":"yes"}}],"usage":{"prompt_tokens":10,"total_tokens":15,"completion_tokens":5,"prompt_audio_seconds":null,"num_cached_tokens":4}}"#

  static func ended(_ id: String, _ status: String = "SUCCESS", label: String = "mr-7", created: Int = 1_795_428_000)
    -> String
  {
    #"{"id":"\#(id)","status":"\#(status)","metadata":{"millrace_label":"\#(label)","more":"m"},"created_at":\#(created),"something_new":[{}],"input_files":["in-\#(id)"],"output_file":"out","error_file":"err","total_requests":3,"completed_requests":3,"succeeded_requests":2,"failed_requests":1}"#
  }
}
