import HTTPTypes
import Hummingbird

extension AdminRoutes {
  /// The endpoints of `millrace batches`.
  public static func batches(_ batches: any BatchAdministration) -> AdminRoutes {
    let collection = RouteCollection(context: AdminRequestContext.self)
      .get("/batches") { _, _ in response(await batches.list()) }
      .post("/batches/{label}/resolve") { request, context in
        let label = try context.parameters.require("label")
        let body = try await request.body.collect(upTo: context.maxUploadSize)
        return response(await batches.resolve(label: label, Array(body.readableBytesView)))
      }
    return AdminRoutes(
      collection,
      index: [
        ("/batches", "open batches"),
        ("/batches/{label}/resolve", "POST: what becomes of one whose fate is unknown"),
      ])
  }

  private static func response(_ answer: AdminAnswer) -> Response {
    Response(
      status: HTTPResponse.Status(code: answer.status),
      headers: [.contentType: "application/json", .cacheControl: "no-store"],
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body)))
  }
}
