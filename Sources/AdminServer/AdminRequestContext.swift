public import Hummingbird

/// What accompanies a request to the endpoints.
public struct AdminRequestContext: RequestContext {
  public var coreContext: CoreRequestContextStorage
  /// Bytes of a body that is decoded.
  public var maxUploadSize: Int { 65_536 }

  public init(source: Source) {
    coreContext = CoreRequestContextStorage(source: source)
  }
}

/// Endpoints that another part of the service adds to the admin listener, behind its token.
public struct AdminRoutes {
  let collection: RouteCollection<AdminRequestContext>
  let index: [(path: String, text: String)]

  /// - Parameters:
  ///   - index: What the overview at `/` says of them.
  public init(_ collection: RouteCollection<AdminRequestContext>, index: [(path: String, text: String)]) {
    self.collection = collection
    self.index = index
  }
}
