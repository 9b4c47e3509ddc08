import BatchCore
import Wire

/// Reads an answer of `generateContent` as OpenAI would give it.
enum GenerateAnswer {
  /// Why it ended, where neither the model was done nor its limit was reached.
  private static let filtered: Set<String> = [
    "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE", "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION",
  ]

  /// Nil for what is no answer.
  static func completion(of answer: JSONSlice) -> ChatCompletion? {
    let candidate = answer["candidates"]?.elements.first { _ in true }
    guard candidate != nil || answer["promptFeedback"] != nil || answer["usageMetadata"] != nil else { return nil }
    var completion = ChatCompletion()
    completion.id = answer["responseId"]?.string ?? ""
    completion.model = answer["modelVersion"]?.string ?? ""
    for part in candidate?["content"]?["parts"]?.elements.map({ $0 }) ?? [] { add(part, to: &completion) }
    // Nothing at all is an empty text.
    if completion.text == nil, completion.calls.isEmpty { completion.text = "" }
    completion.finish = finish(candidate, hasCalls: !completion.calls.isEmpty)
    if let usage = answer["usageMetadata"] {
      completion.usage = GenerateUsage.usage(usage)
      completion.reasoningTokens = GenerateUsage.thoughts(usage)
    }
    return completion
  }

  private static func add(_ part: JSONSlice, to completion: inout ChatCompletion) {
    if let text = part["text"]?.string {
      if part["thought"]?.bool == true {
        completion.reasoning = (completion.reasoning ?? "") + text
      } else {
        completion.text = (completion.text ?? "") + text
      }
    } else if let call = part["functionCall"] {
      // Calls need not have an id, which an answer to them has to name.
      let id = call["id"]?.string ?? "call_\(completion.id)_\(completion.calls.count)"
      let arguments = call["args"].map { Array($0.raw) } ?? Array("{}".utf8)
      completion.calls.append(
        .init(
          id: id, name: call["name"]?.string ?? "", arguments: arguments,
          signature: part["thoughtSignature"]?.string))
    }
  }

  /// Without a candidate the prompt was refused.
  private static func finish(_ candidate: JSONSlice?, hasCalls: Bool) -> ChatCompletion.FinishReason {
    guard let candidate else { return .contentFilter }
    let reason = candidate["finishReason"]?.string ?? ""
    if reason == "MAX_TOKENS" { return .length }
    if filtered.contains(reason) { return .contentFilter }
    return hasCalls ? .toolCalls : .stop
  }
}
