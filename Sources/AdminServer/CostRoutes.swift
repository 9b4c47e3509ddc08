import Hummingbird

extension AdminRoutes {
  /// The endpoint of `millrace cost`.
  public static func costs(_ costs: any CostAdministration) -> AdminRoutes {
    let collection = RouteCollection(context: AdminRequestContext.self)
      .get("/cost") { request, _ in
        var query: [String: String] = [:]
        for parameter in request.uri.queryParameters { query[String(parameter.key)] = String(parameter.value) }
        return await costs.report(query).response
      }
    return AdminRoutes(
      collection,
      index: [("/cost", "what requests cost: ?by=tenant,model&since=7d&until=2026-01-31&limit=1000")])
  }
}
