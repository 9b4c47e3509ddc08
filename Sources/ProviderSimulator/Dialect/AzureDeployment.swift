/// What kind of deployment a name stands for.
enum AzureDeployment {
  /// Such deployments run batches and nothing else; all others run everything but batches.
  static func isForBatches(_ name: String) -> Bool { name.hasSuffix("-batch") }
}

extension BatchRecord.Problem {
  static func noBatchDeployment(_ name: String) -> BatchRecord.Problem {
    BatchRecord.Problem(
      code: "invalid_request",
      message: "The deployment '\(name)' is of a type that batches cannot use; use GlobalBatch or DataZoneBatch.")
  }

  static func azureTokenLimit(limit: Int) -> BatchRecord.Problem {
    BatchRecord.Problem(
      code: "token_limit_exceeded",
      message: "The number of enqueued tokens has surpassed the configured limit of \(limit) tokens.")
  }
}
