import CRabbitMQ

/// What the broker sent, as values.
enum Incoming {
  /// A whole message: delivered, or returned.
  case content(channel: UInt16, ContentAssembler.Content)
  /// The answer to a method that was sent.
  case reply(channel: UInt16, MethodID, Reply)
  case acknowledged(channel: UInt16, tag: UInt64, multiple: Bool, positive: Bool)
  /// The broker ended a consumer.
  case cancelled(channel: UInt16, consumerTag: String)
  case channelClosed(channel: UInt16, code: UInt16, text: String, cause: MethodID)
  case connectionClosed(code: UInt16, text: String)
  case blocked(reason: String)
  case unblocked

  /// What answers carry.
  struct Reply: Equatable {
    var name = ""
    var messages: UInt32 = 0
    var consumers: UInt32 = 0
  }
}

/// Turns decoded frames into `Incoming`, content frames by way of their channel's assembler.
struct FrameReader {
  /// By channel number. Only the first few channels are ever opened.
  private var assemblers = Array(repeating: ContentAssembler(), count: Int(Connection.channelLimit))
  // Deliveries of one queue mostly share these, and an array that is shared need not be allocated.
  private var exchanges = LastBytes()
  private var routingKeys = LastBytes()

  /// Decodes one frame; `nil` when it completes nothing.
  mutating func read(_ frame: amqp_frame_t) throws(AMQPError) -> Incoming? {
    let (number, type) = unsafe (frame.channel, CInt(frame.frame_type))
    guard number < Connection.channelLimit else {
      throw AMQPError(.malformed, "the broker sent a frame on channel \(number), which was never opened")
    }
    let content: ContentAssembler.Content?
    switch type {
    case AMQP_FRAME_METHOD:
      return try unsafe method(frame.payload.method, channel: number)
    case AMQP_FRAME_HEADER:
      let header = unsafe frame.payload.properties
      guard unsafe header.class_id == MethodID.basicClass, let decoded = unsafe header.decoded else {
        throw AMQPError(.malformed, "the broker sent the content of an unknown class")
      }
      let properties = unsafe FieldReader.properties(
        UnsafePointer(decoded.assumingMemoryBound(to: amqp_basic_properties_t.self)))
      content = try unsafe assemblers[Int(number)].headerArrived(
        properties, headerSize: header.raw.len, bodySize: header.body_size)
    case AMQP_FRAME_BODY:
      let fragment = unsafe frame.payload.body_fragment
      content = try unsafe assemblers[Int(number)].bodyArrived(
        UnsafeRawBufferPointer(start: fragment.bytes, count: fragment.len))
    default:
      return nil
    }
    return content.map { .content(channel: number, $0) }
  }

  private mutating func method(_ method: amqp_method_t, channel: UInt16) throws(AMQPError) -> Incoming? {
    let id = unsafe MethodID(rawValue: method.id)
    guard let decoded = unsafe method.decoded else { return .reply(channel: channel, id, .init()) }
    switch id {
    case .basicDeliver:
      let deliver = unsafe decoded.load(as: amqp_basic_deliver_t.self)
      let content = unsafe ContentAssembler.Content(
        origin: .delivery(tag: deliver.delivery_tag, redelivered: deliver.redelivered != 0),
        exchange: exchanges.bytes(deliver.exchange), routingKey: routingKeys.bytes(deliver.routing_key))
      try assemblers[Int(channel)].methodArrived(content)
      return nil
    case .basicReturn:
      let returned = unsafe decoded.load(as: amqp_basic_return_t.self)
      let content = unsafe ContentAssembler.Content(
        origin: .returned(code: returned.reply_code, text: FieldReader.text(returned.reply_text)),
        exchange: exchanges.bytes(returned.exchange), routingKey: routingKeys.bytes(returned.routing_key))
      try assemblers[Int(channel)].methodArrived(content)
      return nil
    case .basicAck:
      let ack = unsafe decoded.load(as: amqp_basic_ack_t.self)
      return unsafe .acknowledged(channel: channel, tag: ack.delivery_tag, multiple: ack.multiple != 0, positive: true)
    case .basicNack:
      let nack = unsafe decoded.load(as: amqp_basic_nack_t.self)
      return unsafe .acknowledged(
        channel: channel, tag: nack.delivery_tag, multiple: nack.multiple != 0, positive: false)
    case .basicCancel:
      return unsafe .cancelled(
        channel: channel, consumerTag: FieldReader.text(decoded.load(as: amqp_basic_cancel_t.self).consumer_tag))
    case .channelClose:
      let close = unsafe decoded.load(as: amqp_channel_close_t.self)
      assemblers[Int(channel)].reset()
      return unsafe .channelClosed(
        channel: channel, code: close.reply_code, text: FieldReader.text(close.reply_text),
        cause: MethodID(rawValue: UInt32(close.class_id) << 16 | UInt32(close.method_id)))
    case .connectionClose:
      let close = unsafe decoded.load(as: amqp_connection_close_t.self)
      return unsafe .connectionClosed(code: close.reply_code, text: FieldReader.text(close.reply_text))
    case .connectionBlocked:
      return unsafe .blocked(
        reason: FieldReader.text(decoded.load(as: amqp_connection_blocked_t.self).reason))
    case .connectionUnblocked:
      return .unblocked
    case .queueDeclareOK:
      let declared = unsafe decoded.load(as: amqp_queue_declare_ok_t.self)
      return unsafe .reply(
        channel: channel, id,
        .init(
          name: FieldReader.text(declared.queue), messages: declared.message_count,
          consumers: declared.consumer_count))
    default:
      return .reply(channel: channel, id, .init())
    }
  }
}

/// The last bytes seen, handed out again while they stay the same.
struct LastBytes {
  private var last: [UInt8] = []

  mutating func bytes(_ source: amqp_bytes_t) -> [UInt8] {
    let raw = unsafe UnsafeRawBufferPointer(start: source.bytes, count: source.bytes == nil ? 0 : source.len)
    if unsafe last.count != raw.count || !last.elementsEqual(raw) { unsafe last = Array(raw) }
    return last
  }
}
