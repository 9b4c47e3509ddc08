/// Functions that a request offers the model, by what providers count in them beside their texts.
public struct PromptTools: Hashable, Sendable {
  public internal(set) var functions = 0
  /// Objects with properties.
  public internal(set) var objects = 0
  public internal(set) var properties = 0
  public internal(set) var enums = 0
  public internal(set) var enumItems = 0

  public init() {}
}
