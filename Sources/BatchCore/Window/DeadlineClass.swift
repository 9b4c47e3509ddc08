/// Sorts deadlines by how far away they are, so that a window holds requests that may wait about equally long.
public enum DeadlineClass {
  /// The upper ends of classes 1, 2, …; the class after the last holds the rest.
  static let bounds: [Duration] = [
    .seconds(15 * 60), .seconds(3600), .seconds(4 * 3600), .seconds(12 * 3600), .seconds(24 * 3600),
  ]

  /// 0 without a deadline; 1 up to 15 minutes away or past; then up to 1, 4, 12 and 24 hours; 6 beyond.
  public static func of(deadline: Timestamp?, now: Timestamp) -> UInt8 {
    guard let deadline else { return 0 }
    let distance = deadline - now
    let index = bounds.firstIndex { distance <= $0 } ?? bounds.count
    return UInt8(index + 1)
  }
}
