import BatchCore

extension Endpoint {
  /// By a path that may leave the version out, as Azure's dated batches do.
  init?(spelling path: String) { self.init(path: Endpoint(path: path) == nil ? "/v1" + path : path) }
}
