/// Gives out the names of a session's prepared statements.
final class StatementNames {
  private var count = 0

  func next() -> String {
    count += 1
    return "m\(count)"
  }
}
