import Hummingbird

extension AdminRoutes {
  /// The endpoints of `millrace batches`.
  public static func batches(_ batches: any BatchAdministration) -> AdminRoutes {
    let collection = RouteCollection(context: AdminRequestContext.self)
      .get("/batches") { _, _ in await batches.list().response }
      .post("/batches/{label}/resolve") { request, context in
        let label = try context.parameters.require("label")
        let body = try await request.body.collect(upTo: context.maxUploadSize)
        return await batches.resolve(label: label, Array(body.readableBytesView)).response
      }
    return AdminRoutes(
      collection,
      index: [
        ("/batches", "open batches"),
        ("/batches/{label}/resolve", "POST: what becomes of one whose fate is unknown"),
      ])
  }
}
