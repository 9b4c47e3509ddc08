/// Texts as stores compare them: by their bytes. Swift takes "é" in one code point and in two for the same text, and would
/// charge one of them for both.
extension String {
  func isSame(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }

  func hashBytes(into hasher: inout Hasher) {
    hasher.combine(utf8.count)
    for byte in utf8 { hasher.combine(byte) }
  }
}
