/// An image that is part of a request.
public struct PromptImage: Hashable, Sendable {
  /// Whether the request asks for the cheap reading of it.
  public var isLowDetail: Bool
  /// Nil where only the provider can look: behind a URL, as a file's id, or in a form that is not known here.
  public var size: ImageSize?

  public init(isLowDetail: Bool, size: ImageSize?) {
    self.isLowDetail = isLowDetail
    self.size = size
  }
}
