import Wire

extension APIError {
  /// The refusal as Azure words it.
  var azureBody: [UInt8] {
    guard html == nil else { return body }
    // The status serves as code where there is no better one, as a text.
    var writer = JSONWriter(capacity: 160)
    writer.beginObject()
    writer.key("error")
    writer.beginObject()
    writer.field("code", code ?? String(status))
    writer.field("message", message)
    writer.endObject()
    writer.endObject()
    return writer.bytes
  }

  static func unknownDeployment(_ name: String) -> APIError {
    APIError(
      status: 404,
      message: "The API deployment '\(name)' does not exist. If it was created within the last minutes, try again.",
      code: "DeploymentNotFound", reason: "model_not_found")
  }

  /// A deployment that is for batches alone.
  static func batchDeployment(_ name: String) -> APIError {
    APIError(
      status: 400, message: "The chatCompletion operation does not work with the batch deployment '\(name)'.",
      code: "OperationNotSupported", reason: "batch_deployment")
  }

  static func unprocessedFile(_ id: String) -> APIError {
    APIError(
      status: 400, message: "File '\(id)' is not processed yet; a batch needs the status 'processed'.",
      code: "invalidPayload", reason: "file_not_processed")
  }

  static let noCreate = APIError(
    status: 405, message: "Method Not Allowed", code: "method_not_supported", reason: "no_create")

  static let wrongSubscription = APIError(
    status: 401,
    message: "Access denied due to invalid subscription key or wrong API endpoint. Provide a valid key.", code: "401",
    reason: "unauthorized")
}
