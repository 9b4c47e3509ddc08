/// Where finished log lines go.
public protocol LineSink: Sendable {
  /// Takes one line with its line break. Never blocks and never fails: what does not fit is dropped and counted.
  ///
  /// - Parameter important: Whether the line may use the room that is kept for warnings and errors.
  func write(_ line: [UInt8], important: Bool)
}
