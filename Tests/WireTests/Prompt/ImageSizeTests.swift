import Testing

@testable import Wire

@Suite(.timeLimit(.minutes(4)))
struct ImageSizeTests {
  static let jpeg: [UInt8] =
    [0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xc0, 0, 17, 8, 0x02, 0x58, 0x03, 0x20, 3, 1, 0x22, 0]
  static let gif: [UInt8] = Array("GIF89a".utf8) + [0x40, 0x01, 0xf0, 0x00, 0, 0, 0]
  static let extended: [UInt8] =
    Array("RIFF".utf8) + [0, 0, 0, 0] + Array("WEBPVP8X".utf8) + [10, 0, 0, 0, 0, 0, 0, 0, 0xff, 3, 0, 0xff, 2, 0]
  static let lossy: [UInt8] =
    Array("RIFF".utf8) + [0, 0, 0, 0] + Array("WEBPVP8 ".utf8)
    + [0, 0, 0, 0, 0, 0, 0, 0x9d, 1, 0x2a, 0x20, 0x03, 0x58, 0x02]
  static let lossless: [UInt8] =
    Array("RIFF".utf8) + [0, 0, 0, 0] + Array("WEBPVP8L".utf8)
    + [0, 0, 0, 0, 0x2f, 0x1f, 0xc3, 0x95, 0x00, 0, 0, 0, 0, 0]

  @Test(arguments: [
    (jpeg, 800, 600), (gif, 320, 240), (extended, 1024, 768), (lossy, 800, 600), (lossless, 800, 600),
  ])
  func everyFormatIsRead(file: [UInt8], width: Int, height: Int) {
    #expect(ImageSize(file: file) == ImageSize(width: width, height: height))
  }

  @Test(arguments: [jpeg, gif, extended, lossy, lossless])
  func aCutFileNeverTraps(file: [UInt8]) {
    for end in 0..<file.count { _ = ImageSize(file: Array(file[..<end])) }
    for place in 0..<file.count {
      var broken = file
      broken[place] = 0xff
      _ = ImageSize(file: broken)
    }
  }
}
