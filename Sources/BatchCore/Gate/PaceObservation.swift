/// What a provider's answer says of its limits; nil where it is silent.
public struct PaceObservation: Hashable, Sendable, Codable {
  public var requests: RateLevel?
  public var tokens: RateLevel?
  public var inputTokens: RateLevel?
  public var outputTokens: RateLevel?

  public init(
    requests: RateLevel? = nil, tokens: RateLevel? = nil, inputTokens: RateLevel? = nil, outputTokens: RateLevel? = nil
  ) {
    self.requests = requests
    self.tokens = tokens
    self.inputTokens = inputTokens
    self.outputTokens = outputTokens
  }

  public subscript(resource: PaceResource) -> RateLevel? {
    switch resource {
    case .requests: requests
    case .tokens: tokens
    case .inputTokens: inputTokens
    case .outputTokens: outputTokens
    }
  }

  public var isEmpty: Bool { self == PaceObservation() }
}
