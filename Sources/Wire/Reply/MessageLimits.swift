/// What a message may measure before it is published. A message that the broker refuses closes the channel for all others.
public struct MessageLimits: Hashable, Sendable {
  public var maximumReplyBytes: Int
  /// As negotiated with the broker.
  public var frameMax: Int

  /// Ids, and every other AMQP short string.
  public static let maximumIDBytes = 255
  public static let maximumHeaderTextBytes = 1024

  public init(maximumReplyBytes: Int = 16_777_216, frameMax: Int = 131_072) {
    self.maximumReplyBytes = maximumReplyBytes
    self.frameMax = frameMax
  }

  /// Headers beyond this are dropped: the other properties share the frame.
  var maximumHeaderBytes: Int { max(1024, frameMax / 2) }

  /// At most so many bytes of the text, not cutting a character.
  static func headerText(_ text: String, limit: Int = maximumHeaderTextBytes) -> FieldValue {
    let bytes = Array(text.utf8)
    return .string(Array(bytes.prefix(UTF8Sequence.prefix(bytes, limit))))
  }
}
