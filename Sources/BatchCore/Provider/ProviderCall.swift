/// One synchronous call.
public struct ProviderCall: Sendable {
  public var endpoint: Endpoint
  /// The name of the model at this provider.
  public var model: String
  public var body: RequestBody
  /// Bounds the whole exchange.
  public var timeout: Duration

  public init(endpoint: Endpoint, model: String, body: RequestBody, timeout: Duration) {
    self.endpoint = endpoint
    self.model = model
    self.body = body
    self.timeout = timeout
  }
}

/// What became of a synchronous call. Failures of the transport are outcomes too, so that nothing is classified twice.
public struct CallOutcome: Hashable, Sendable {
  public var disposition: Disposition
  /// What the provider sent, if it answered.
  public var response: ProviderResponse?
  public var usage: Usage?
  /// Whether the provider may have done and billed the work although we have no answer.
  public var mayHaveBeenPaid: Bool
  /// What the answer says of the account's limits.
  public var pace: PaceObservation?
  /// One line for people, without secrets; empty on success.
  public var message: String

  public init(
    disposition: Disposition, response: ProviderResponse?, usage: Usage?, mayHaveBeenPaid: Bool, message: String,
    pace: PaceObservation? = nil
  ) {
    self.disposition = disposition
    self.response = response
    self.usage = usage
    self.mayHaveBeenPaid = mayHaveBeenPaid
    self.message = message
    self.pace = pace
  }
}
