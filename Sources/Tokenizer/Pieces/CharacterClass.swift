/// What the patterns of the encodings ask about a character, as bits.
enum CharacterClass {
  static let letter: UInt8 = 1
  static let number: UInt8 = 2
  static let space: UInt8 = 4
  /// Upper and title case.
  static let upper: UInt8 = 8
  static let lower: UInt8 = 16
  /// What counts as either case: modifiers, letters without case and marks.
  static let either: UInt8 = 32
}
