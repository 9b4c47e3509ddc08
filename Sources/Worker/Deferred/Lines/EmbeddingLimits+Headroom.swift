import BatchCore
import Tokenizer

extension EmbeddingLimits {
  /// Less by what an estimate may be wrong by where the model's encoding is not known: a line above the limit is refused
  /// for all of its requests.
  func withHeadroom(for model: String) -> EmbeddingLimits {
    if ModelTokens.of(model).isExact { return self }
    var limits = self
    limits.tokens -= tokens / 10
    return limits
  }
}
