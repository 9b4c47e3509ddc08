public import BatchCore

/// How long a batch of a model took, or has taken so far.
public struct ModelRun: Hashable, Sendable {
  public var model: String
  public var run: BatchRun

  public init(model: String, run: BatchRun) {
    self.model = model
    self.run = run
  }
}
