/// Width and height of an image in pixels, read from the first bytes of its file.
public struct ImageSize: Hashable, Sendable {
  public var width: Int
  public var height: Int

  public init(width: Int, height: Int) {
    self.width = width
    self.height = height
  }

  /// How much of a file is looked at: a JPEG may have a preview in front of its size.
  private static let mostBytes = 96 << 10

  /// Nil for anything but a base-64 data URL of a PNG, JPEG, GIF or WebP file.
  init?(dataURL: ArraySlice<UInt8>) {
    guard dataURL.starts(with: "data:".utf8), let comma = dataURL.prefix(128).firstIndex(of: UInt8(ascii: ",")),
      dataURL[..<comma].suffix(7).elementsEqual(";base64".utf8)
    else { return nil }
    // In JSON a slash may be escaped; whole groups only, of which an incomplete file has enough.
    let digits = dataURL[(comma + 1)...].lazy.filter { $0 != UInt8(ascii: "\\") }.prefix(Self.mostBytes / 3 * 4)
    let spelled = Array(digits)
    guard let bytes = Base64.decode(spelled.prefix(spelled.count / 4 * 4)) else { return nil }
    self.init(file: bytes)
  }

  /// Nil where it cannot be told.
  public init?(file bytes: [UInt8]) {
    let found = Self.png(bytes) ?? Self.gif(bytes) ?? Self.webP(bytes) ?? Self.jpeg(bytes)
    guard let found, found.width > 0, found.height > 0 else { return nil }
    self = found
  }

  private static func png(_ bytes: [UInt8]) -> ImageSize? {
    guard bytes.count >= 24, bytes.starts(with: [0x89, 0x50, 0x4e, 0x47]) else { return nil }
    return ImageSize(width: big(bytes, 16, 4), height: big(bytes, 20, 4))
  }

  private static func gif(_ bytes: [UInt8]) -> ImageSize? {
    guard bytes.count >= 10, bytes.starts(with: "GIF8".utf8) else { return nil }
    return ImageSize(width: little(bytes, 6, 2), height: little(bytes, 8, 2))
  }

  private static func webP(_ bytes: [UInt8]) -> ImageSize? {
    guard bytes.count >= 30, bytes.starts(with: "RIFF".utf8), bytes[8..<12].elementsEqual("WEBP".utf8) else {
      return nil
    }
    switch String(decoding: bytes[12..<16], as: UTF8.self) {
    case "VP8X": return ImageSize(width: little(bytes, 24, 3) + 1, height: little(bytes, 27, 3) + 1)
    case "VP8 ": return ImageSize(width: little(bytes, 26, 2) & 0x3fff, height: little(bytes, 28, 2) & 0x3fff)
    case "VP8L":
      let bits = little(bytes, 21, 4)
      return ImageSize(width: bits & 0x3fff + 1, height: bits >> 14 & 0x3fff + 1)
    default: return nil
    }
  }

  /// Walks the segments to the one that starts a frame.
  private static func jpeg(_ bytes: [UInt8]) -> ImageSize? {
    guard bytes.starts(with: [0xff, 0xd8]) else { return nil }
    var index = 2
    while index + 9 <= bytes.count, bytes[index] == 0xff {
      let marker = bytes[index + 1]
      if (0xc0...0xcf).contains(marker), marker != 0xc4, marker != 0xc8, marker != 0xcc {
        return ImageSize(width: big(bytes, index + 7, 2), height: big(bytes, index + 5, 2))
      }
      index += 2 + max(2, big(bytes, index + 2, 2))
    }
    return nil
  }

  private static func big(_ bytes: [UInt8], _ start: Int, _ count: Int) -> Int {
    bytes[start..<start + count].reduce(0) { $0 << 8 | Int($1) }
  }

  private static func little(_ bytes: [UInt8], _ start: Int, _ count: Int) -> Int {
    bytes[start..<start + count].reversed().reduce(0) { $0 << 8 | Int($1) }
  }
}
