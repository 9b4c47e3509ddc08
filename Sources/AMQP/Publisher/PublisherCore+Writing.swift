import Threading
import Wire

// The half that turns messages into frames, as far as the window and the socket have room.
extension PublisherCore {
  var canWrite: Bool {
    guard ready, !activeTime.isPaused, connection?.failure == nil else { return false }
    if partial != nil { return true }
    guard let next = queue.first(), tracker.count < suspectWindow ?? limits.maxUnconfirmed else { return false }
    return tracker.isEmpty || tracker.bytes + next.message.body.count <= limits.maxUnconfirmedBytes
  }

  /// Returns how many messages were begun.
  func write(_ connection: Connection, now: ContinuousClock.Instant) -> UInt64 {
    let written = activeTime.elapsed(now: now)
    var count: UInt64 = 0
    while connection.hasRoom, canWrite {
      if let (item, offset) = partial {
        partial = writeBody(of: item, from: offset, connection)
      } else if var item = queue.first() {
        queue.removeFirst()
        item.writtenAt = written
        Failpoint.publish.before()
        if begin(item, connection) { count += 1 }
      }
    }
    changes.published += count
    return count
  }

  /// Encodes a message, and all of its body that fits one frame. Returns false if it cannot be encoded.
  func begin(_ item: PublishItem, _ connection: Connection) -> Bool {
    let message = item.message
    let mark = connection.output.tail
    do throws(FieldError) {
      try connection.output.append(
        .publish(exchange: message.exchange, routingKey: message.routingKey, mandatory: message.mandatory),
        channel: Self.channel)
      let header = connection.output.tail
      try connection.output.append(.header, channel: Self.channel) { writer throws(FieldError) in
        try writer.contentHeader(message.properties, bodySize: message.body.count)
      }
      let size = connection.output.payloadSize(from: header)
      guard size <= connection.bodyChunk else {
        throw FieldError(text: "the headers take \(size) bytes; the broker allows \(connection.bodyChunk) in all")
      }
    } catch {
      connection.output.rollBack(to: mark)
      settle(item, .rejected(code: 0, text: error.text))
      return false
    }
    tracker.published(item, bytes: message.body.count)
    partial = writeBody(of: item, from: 0, connection)
    return true
  }

  /// Writes one body frame, and returns what is left to write.
  func writeBody(
    of item: PublishItem, from offset: Int, _ connection: Connection
  ) -> (item: PublishItem, offset: Int)? {
    let body = item.message.body
    guard offset < body.count else { return nil }
    let end = min(offset + connection.bodyChunk, body.count)
    try? connection.output.append(.body, channel: Self.channel) { $0.raw(body[offset..<end]) }
    return end < body.count ? (item, end) : nil
  }
}

extension OutboundMessage {
  /// Whether the broker's complaint is about this message's exchange as a whole. About a topic it speaks otherwise.
  func isBlocked(by complaint: String) -> Bool {
    guard !exchange.isEmpty else { return false }
    return complaint.contains("no exchange '\(exchange)' in vhost")
      || complaint.contains("access to exchange '\(exchange)' in vhost")
  }

  /// Whether this is what came back. Two messages alike in all of it need not be told apart.
  func isOrigin(of content: ContentAssembler.Content) -> Bool {
    mandatory && content.routingKey == routingKey && exchange.utf8.elementsEqual(content.exchange)
      && content.properties.messageID == properties.messageID
      && content.properties.correlationID == properties.correlationID && content.body == body
  }
}
