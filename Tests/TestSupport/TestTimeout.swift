/// What a test waited for did not come.
public struct TestTimeout: Error, CustomStringConvertible {
  public var description: String

  public init(_ description: String) {
    self.description = description
  }
}

/// Looks again and again until the condition holds; throws after about the given real time.
public func eventually(
  _ what: @autoclosure () -> String, within limit: Duration = .seconds(150), _ condition: () async throws -> Bool
) async throws {
  let clock = ContinuousClock()
  let end = clock.now + limit
  while true {
    if try await condition() { return }
    guard clock.now < end else { throw TestTimeout("waited \(limit) for \(what())") }
    // Long enough for other threads to do something, short enough that nobody notices.
    try await Task.sleep(for: .milliseconds(1))
  }
}
