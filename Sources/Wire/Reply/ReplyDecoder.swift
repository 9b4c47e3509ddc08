public import BatchCore

/// What a reply says, for people who look at one.
public struct ReplySummary: Hashable, Sendable {
  public var id: String
  public var customID: String?
  public var isSuccess: Bool
  /// The HTTP status of the provider, if it answered.
  public var statusCode: Int?
  public var errorCode: String?
  public var errorMessage: String?
  public var lane: String?
  public var provider: String?
  public var model: String?
  public var attempts: Int?
  /// The provider's id of the batch, if one carried the request.
  public var batchID: String?
  /// Dollars as a decimal number, as the reply spells it.
  public var cost: String?
  public var costBasis: String?
  public var usage: Usage?
}

/// The bytes are no reply of ours.
public struct ReplyDecodingError: Error, Hashable, Sendable, CustomStringConvertible {
  public var description: String
}

/// Reads the body of a reply.
public enum ReplyDecoder {
  public static func decode(_ body: [UInt8]) throws(ReplyDecodingError) -> ReplySummary {
    let root: JSONSlice
    do {
      root = try JSONSlice.parse(body, maximumDepth: 2048)
    } catch {
      throw ReplyDecodingError(description: "the reply is not valid JSON: \(error)")
    }
    guard let id = root["id"]?.string, let own = root["millrace"], own.kind == .object else {
      throw ReplyDecodingError(description: "the reply has no id or no millrace object: is it a reply of Millrace?")
    }
    let error = root["error"]
    let cost = own["cost"]
    return ReplySummary(
      id: id, customID: root["custom_id"]?.string, isSuccess: error?.isNull ?? true,
      statusCode: root["response"]?["status_code"]?.int64.map { Int(clamping: $0) }, errorCode: error?["code"]?.string,
      errorMessage: error?["message"]?.string, lane: own["lane"]?.string, provider: own["provider"]?.string,
      model: own["model"]?.string, attempts: own["attempts"]?.int64.map { Int(clamping: $0) },
      batchID: own["batch_id"]?.string, cost: cost?["usd"]?.string, costBasis: cost?["basis"]?.string,
      usage: own["usage"].flatMap(usage))
  }

  private static func usage(_ slice: JSONSlice) -> Usage? {
    guard slice.kind == .object else { return nil }
    return Usage(
      inputTokens: slice["input_tokens"]?.int64 ?? 0,
      cachedInputTokens: slice["cached_input_tokens"]?.int64 ?? 0,
      outputTokens: slice["output_tokens"]?.int64 ?? 0)
  }
}
