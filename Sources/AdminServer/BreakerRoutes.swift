import Hummingbird

extension AdminRoutes {
  /// The endpoints of `millrace breakers`.
  public static func breakers(_ breakers: any BreakerAdministration) -> AdminRoutes {
    let collection = RouteCollection(context: AdminRequestContext.self)
      .get("/breakers") { _, _ in await breakers.list().response }
      // An account's name holds slashes and blanks: it goes into the body.
      .post("/breakers/close") { request, context in
        let body = try await request.body.collect(upTo: context.maxUploadSize)
        return await breakers.close(Array(body.readableBytesView)).response
      }
    return AdminRoutes(
      collection,
      index: [
        ("/breakers", "circuit breakers that are not closed"),
        ("/breakers/close", "POST: what had opened them is seen to"),
      ])
  }
}
