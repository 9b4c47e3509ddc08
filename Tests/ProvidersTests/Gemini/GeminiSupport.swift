import BatchCore
import Providers

func makeGemini(
  _ http: any HTTPExchanging, endpoint: String = "https://api.example.test/",
  _ change: (inout GeminiConfiguration) -> Void = { _ in }
) -> GeminiProvider {
  var configuration = GeminiConfiguration(
    name: "gemini", endpoint: endpoint, apiKeys: [APIKey(secret: testSecret, fingerprint: "aabbccdd")])
  configuration.sleep = { _ in }
  change(&configuration)
  return GeminiProvider(configuration: configuration, http: http) { testNow }
}

/// The objects of the provider's documentation, as they are.
enum GeminiSamples {
  static let running = #"""
    {"name":"batches/123","metadata":{"displayName":"01HX","state":"BATCH_STATE_RUNNING","model":"models/gemini-3.8-flash",
     "createTime":"2026-11-23T10:00:00.123456789Z","updateTime":"2026-11-23T10:00:01Z","endTime":null,"batchStats":{"requestCount":"2","successfulRequestCount":"0"},"output":{"responsesFile":"files/out"}},"done":false}
    """#

  static let request =
    #"{"contents":[{"role":"user","parts":[{"text":"hi"}]}],"generationConfig":{"maxOutputTokens":50}}"#

  static let create = #"{"batch":{"displayName":"01HX","inputConfig":{"fileName":"files/abc"}}}"#

  static let answer =
    #"{"candidates":[{"content":{"parts":[{"text":"Hello"}],"role":"model"},"finishReason":"STOP","brandNew":{"a":[1.50]}}],"usageMetadata":{"promptTokenCount":90,"cachedContentTokenCount":50,"candidatesTokenCount":5,"thoughtsTokenCount":7,"toolUsePromptTokenCount":10,"totalTokenCount":112},"modelVersion":"gemini-3.8-flash","responseId":"r9"}"#

  static let results = [
    #"{"key":"r-1","response":\#(answer)}"#, #"{"key":"r-2","error":{"code":1,"message":"..."}}"#,
    #"{"response":\#(answer),"metadata":{"key":"r-3"}}"#,
    #"{"error":{"code":3,"message":"..."},"metadata":{"key":"r-4"}}"#,
  ]

  static let quota =
    #"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"m","details":[{"@type":"x"}]}}"#

  static func error(_ code: Int, _ status: String, message: String = "m", details: String = "[]") -> String {
    #"{"error":{"code":\#(code),"message":"\#(message)","status":"\#(status)","details":\#(details)}}"#
  }

  static func batch(_ state: String, id: String = "123", label: String = "L", more: String = "", tail: String = "")
    -> String
  {
    #"{"name":"batches/\#(id)","metadata":{"displayName":"\#(label)","state":"\#(state)","newest":[{}]\#(more)}\#(tail)}"#
  }
}
