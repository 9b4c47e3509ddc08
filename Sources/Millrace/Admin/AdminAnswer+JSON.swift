import AdminServer
import Wire

extension AdminAnswer {
  /// What an operator asked for is not done; the message is one line.
  static func refusal(_ status: Int, _ message: String) -> AdminAnswer {
    json(status) { $0.field("error", message) }
  }

  /// An object with these members.
  static func json(_ status: Int, _ members: (inout JSONWriter) -> Void) -> AdminAnswer {
    var writer = JSONWriter(capacity: 1024)
    writer.beginObject()
    members(&writer)
    writer.endObject()
    return AdminAnswer(status: status, body: writer.bytes)
  }
}
