/// The members of a request's object that mean something to us, found in one pass.
struct BodyFields {
  var customID: JSONSlice?
  var id: JSONSlice?
  var method: JSONSlice?
  var url: JSONSlice?
  var body: JSONSlice?
  var maxTokens: JSONMember?
  var callbackURL: JSONSlice?
  var model: JSONSlice?
  var messages: JSONSlice?
  var input: JSONSlice?
  var contents: JSONSlice?
  var generationConfig: JSONSlice?
  var instructions: JSONSlice?
  var system: JSONSlice?
  var maxCompletionTokens: JSONSlice?
  var maxTokensOfChat: JSONSlice?
  var maxOutputTokens: JSONSlice?
  var choices: JSONSlice?
  var temperature: JSONSlice?
  var hasStream = false
  /// Keys of the above that occur more than once; `stream` may, since it goes anyway.
  private var repeated: Set<String> = []

  init(_ object: JSONSlice) {
    var again: Set<String> = []
    for member in object.members {
      let key = member.key
      switch key {
      case "custom_id": Self.set(&customID, member.value, key, &again)
      case "id": Self.set(&id, member.value, key, &again)
      case "method": Self.set(&method, member.value, key, &again)
      case "url": Self.set(&url, member.value, key, &again)
      case "body": Self.set(&body, member.value, key, &again)
      case "maxTokens": Self.set(&maxTokens, member, key, &again)
      case "callbackUrl": Self.set(&callbackURL, member.value, key, &again)
      case "model": Self.set(&model, member.value, key, &again)
      case "messages": Self.set(&messages, member.value, key, &again)
      case "input": Self.set(&input, member.value, key, &again)
      case "contents": Self.set(&contents, member.value, key, &again)
      case "generationConfig", "generation_config":
        Self.set(&generationConfig, member.value, "generationConfig", &again)
      case "instructions": Self.set(&instructions, member.value, key, &again)
      case "system": Self.set(&system, member.value, key, &again)
      case "max_completion_tokens": Self.set(&maxCompletionTokens, member.value, key, &again)
      case "max_tokens": Self.set(&maxTokensOfChat, member.value, key, &again)
      case "max_output_tokens": Self.set(&maxOutputTokens, member.value, key, &again)
      case "n": choices = member.value
      case "temperature": temperature = member.value
      case "stream", "stream_options": hasStream = true
      default: break
      }
    }
    repeated = again
  }

  private static func set<Value>(_ field: inout Value?, _ value: Value, _ key: String, _ again: inout Set<String>) {
    if field != nil { again.insert(key) }
    field = value
  }

  /// The first of the keys that occurs more than once.
  func firstRepeated(of keys: [String]) -> String? { keys.first { repeated.contains($0) } }

  static let wrapperKeys = ["custom_id", "id", "method", "url", "body"]
  static let shortFormKeys = ["id", "maxTokens", "callbackUrl"]
  static let providerKeys = [
    "model", "messages", "input", "instructions", "system", "max_completion_tokens", "max_tokens", "max_output_tokens",
    "contents", "generationConfig",
  ]

  /// A string that is not empty: anything else counts as absent.
  var ownID: String? {
    for slice in [customID, id] {
      if let text = slice?.string, !text.isEmpty { return text }
    }
    return nil
  }

  /// How many answers are wanted, as the provider is told.
  var wantedChoices: JSONSlice? {
    choices ?? generationConfig?["candidateCount"] ?? generationConfig?["candidate_count"]
  }

  /// Whether the publisher asks for the likeliest answer, which is as good for whoever asks the same.
  var asksForLikeliest: Bool { temperature?.double == 0 && (wantedChoices?.int64 ?? 1) == 1 }

  /// What the provider knows as limits on output, strongest first.
  var outputLimits: [(name: String, value: JSONSlice)] {
    [
      ("max_completion_tokens", maxCompletionTokens), ("max_tokens", maxTokensOfChat),
      ("max_output_tokens", maxOutputTokens),
      ("maxOutputTokens", generationConfig?["maxOutputTokens"] ?? generationConfig?["max_output_tokens"]),
    ]
    .compactMap { name, value in value.map { (name, $0) } }
  }
}
