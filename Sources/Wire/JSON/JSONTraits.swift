/// What a validated document holds that a line of a batch file must not.
struct JSONTraits: OptionSet, Sendable {
  let rawValue: UInt8

  /// U+2028 or U+2029 unescaped in a string.
  static let lineSeparators = JSONTraits(rawValue: 1)
  /// CR or LF between tokens.
  static let lineBreaks = JSONTraits(rawValue: 2)
}
