/// Something in a body of OpenAI's chat shape that the provider has no counterpart for, or that is no such body.
struct ChatRefusal: Error, Hashable, Sendable, CustomStringConvertible {
  /// The path of the member, such as `messages[2].content[0].type`.
  var field: String
  /// What is the matter, without the member's name and without text of the publisher.
  var reason: String

  init(_ field: String, _ reason: String) {
    self.field = field
    self.reason = reason
  }

  var description: String { "\(field): \(reason)" }
}
