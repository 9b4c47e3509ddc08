/// A public byte-pair encoding.
public enum TokenEncoding: String, Sendable, CaseIterable {
  /// What GPT-4, GPT-3.5 and the embedding models of OpenAI use.
  case cl100kBase = "cl100k_base"
  /// What OpenAI's models since GPT-4o use.
  case o200kBase = "o200k_base"
}
