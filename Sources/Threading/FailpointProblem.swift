/// Why failpoints cannot be armed, in one line.
public struct FailpointProblem: Error, Hashable, Sendable {
  public var message: String

  init(_ text: String, _ reason: String) {
    message = "\(Failpoints.variable): '\(text)': \(reason)"
  }
}
