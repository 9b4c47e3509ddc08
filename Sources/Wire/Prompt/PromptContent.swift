/// What the input tokens of a request are counted from, whatever its endpoint: its texts, unescaped, and what stands around
/// them.
public struct PromptContent: Hashable, Sendable {
  /// All texts one behind the other. Each is encoded on its own.
  public internal(set) var text: [UInt8] = []
  /// Where each ends.
  public internal(set) var ends: [Int] = []
  public internal(set) var messages = 0
  /// Messages that name their author.
  public internal(set) var names = 0
  public internal(set) var toolCalls = 0
  public internal(set) var tools = PromptTools()
  public internal(set) var images: [PromptImage] = []
  /// The texts of what is told of functions: providers show them to the model before any message.
  var definitions = 0..<0
  /// Tokens that came as ids.
  public internal(set) var tokenIDs = 0

  public init() {}

  /// The texts in order.
  public func forEachText(_ body: (UnsafeBufferPointer<UInt8>) -> Void) {
    text.withUnsafeBufferPointer { all in
      var start = 0
      for end in ends {
        body(UnsafeBufferPointer(rebasing: all[start..<end]))
        start = end
      }
    }
  }
}
