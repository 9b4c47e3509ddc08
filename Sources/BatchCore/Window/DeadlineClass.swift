/// Sorts deadlines by how far away they are, so that a window holds requests that may wait about equally long: one that
/// is urgent takes no others along when its batch has to be cancelled.
public enum DeadlineClass {
  /// The upper end of the first class; of every other it is twice that of the one before.
  static let first = Duration.seconds(15 * 60)
  /// The class that holds the rest, beyond 32 hours.
  static let last: UInt8 = 9

  /// 0 without a deadline; 1 up to 15 minutes away or past; then up to twice as far each; 9 beyond 32 hours.
  public static func of(deadline: Timestamp?, now: Timestamp) -> UInt8 {
    guard let deadline else { return 0 }
    let distance = deadline - now
    var bound = first
    for number in 1..<last {
      if distance <= bound { return number }
      bound += bound
    }
    return last
  }
}
