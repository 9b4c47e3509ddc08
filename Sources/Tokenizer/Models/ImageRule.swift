/// What an image costs, as OpenAI's guide to images and vision has it.
public enum ImageRule: Hashable, Sendable {
  /// Scaled into 2048 by 2048 and then to a short side of at most 768 pixels: so many for the image and for each tile of 512
  /// by 512 in it. With low detail, only the former.
  case tiles(base: Int, tile: Int)
  /// Patches of 32 by 32 pixels, times a factor; an image of more than 1,536 is scaled down first.
  case patches(Double)

  private static let mostPatches = 1536

  /// - Parameters:
  ///   - width: in pixels, above 0; an image of unknown size is taken for one of 1024 by 1024.
  ///   - height: as the width.
  public func tokens(width: Int = 1024, height: Int = 1024, isLowDetail: Bool) -> Int {
    let (width, height) = (Double(max(1, width)), Double(max(1, height)))
    switch self {
    case .tiles(let base, let tile):
      if isLowDetail { return base }
      var scale = min(1, 2048 / max(width, height))
      scale = min(scale, 768 / min(width, height))
      return base + tile * Self.blocks(width * scale, 512) * Self.blocks(height * scale, 512)
    case .patches(let factor):
      return Int((Double(Self.patches(width, height)) * factor).rounded(.up))
    }
  }

  /// Bounded, so that a size which a file only claims to have does not overflow.
  private static func blocks(_ length: Double, _ size: Double) -> Int {
    // A length that scaling has made a hair too long is not one block more.
    max(1, Int(min((length / size - 1e-9).rounded(.up), Double(1 << 20))))
  }

  /// Too large an image is scaled down so that whole patches fill its width or its height.
  private static func patches(_ width: Double, _ height: Double) -> Int {
    let all = blocks(width, 32) * blocks(height, 32)
    if all <= mostPatches { return all }
    var scale = (32 * 32 * Double(mostPatches) / (width * height)).squareRoot()
    let (across, down) = (width * scale / 32, height * scale / 32)
    scale *= min(across.rounded(.down) / across, down.rounded(.down) / down)
    return min(mostPatches, blocks(width * scale, 32) * blocks(height * scale, 32))
  }
}
