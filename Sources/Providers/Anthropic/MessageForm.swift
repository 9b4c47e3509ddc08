import BatchCore
import Wire

/// How a request's body becomes the one that is sent: its own bytes with the route's model, or the translation of OpenAI's
/// shape.
struct MessageForm: Sendable {
  let endpoint: Endpoint
  private let modelName: String
  /// The route's model as a JSON string.
  let model: [UInt8]

  init(model: String, endpoint: Endpoint) {
    var string = JSONWriter(capacity: model.utf8.count + 2)
    string.string(model)
    self.model = string.bytes
    modelName = model
    self.endpoint = endpoint
  }

  var isTranslated: Bool { endpoint != .messages }

  func append(_ body: RequestBody, to bytes: inout [UInt8]) throws(ChatRefusal) {
    guard !isTranslated else {
      bytes += try MessageTranslation().body(of: body.bytes, model: modelName)
      return
    }
    let range = body.modelRange
    guard range.lowerBound >= 0, range.upperBound <= body.bytes.count else {
      throw ChatRefusal("model", "its place lies outside the request's body")
    }
    bytes += body.bytes[..<range.lowerBound]
    bytes += model
    bytes += body.bytes[range.upperBound...]
  }
}
