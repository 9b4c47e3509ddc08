import BatchCore

extension Endpoint {
  /// By a path that may leave the version out, as Azure's dated batches do.
  init?(spelling path: String) { self.init(path: path.hasPrefix("/v1/") ? path : "/v1" + path) }
}
