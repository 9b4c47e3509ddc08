/// A server that speaks like OpenAI and is known to differ from it.
public enum Deviations: String, Sendable, CaseIterable {
  case groq, together, doubleword, xai, openrouter, dashscope, siliconflow, novita, litellm, vllm
  /// Nothing is known.
  case none
}
