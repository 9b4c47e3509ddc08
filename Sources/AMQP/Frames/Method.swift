import Wire

/// A method that is sent to the broker.
enum Method {
  case connectionClose
  case connectionCloseOK
  case channelOpen
  case channelClose
  case channelCloseOK
  case exchangeDeclare(name: String, kind: String, passive: Bool, durable: Bool, autoDelete: Bool, FieldTable)
  case exchangeBind(destination: String, source: String, routingKey: String, FieldTable)
  case queueDeclare(
    name: String, passive: Bool, durable: Bool, exclusive: Bool, autoDelete: Bool, FieldTable)
  case queueBind(queue: String, exchange: String, routingKey: String, FieldTable)
  case queueDelete(name: String)
  case qos(prefetch: UInt16)
  case consume(queue: String, tag: String, exclusive: Bool)
  case cancel(tag: String)
  case publish(exchange: String, routingKey: [UInt8], mandatory: Bool)
  case ack(tag: UInt64, multiple: Bool)
  case nack(tag: UInt64, requeue: Bool)
  case confirmSelect

  var id: MethodID {
    switch self {
    case .connectionClose: .connectionClose
    case .connectionCloseOK: .connectionCloseOK
    case .channelOpen: .channelOpen
    case .channelClose: .channelClose
    case .channelCloseOK: .channelCloseOK
    case .exchangeDeclare: .exchangeDeclare
    case .exchangeBind: .exchangeBind
    case .queueDeclare: .queueDeclare
    case .queueBind: .queueBind
    case .queueDelete: .queueDelete
    case .qos: .basicQos
    case .consume: .basicConsume
    case .cancel: .basicCancel
    case .publish: .basicPublish
    case .ack: .basicAck
    case .nack: .basicNack
    case .confirmSelect: .confirmSelect
    }
  }

  /// What the broker answers, where it answers.
  var reply: MethodID? {
    switch self {
    case .connectionClose: .connectionCloseOK
    case .channelOpen: .channelOpenOK
    case .channelClose: .channelCloseOK
    case .exchangeDeclare: .exchangeDeclareOK
    case .exchangeBind: .exchangeBindOK
    case .queueDeclare: .queueDeclareOK
    case .queueBind: .queueBindOK
    case .queueDelete: .queueDeleteOK
    case .qos: .basicQosOK
    case .consume: .basicConsumeOK
    case .cancel: .basicCancelOK
    case .confirmSelect: .confirmSelectOK
    case .connectionCloseOK, .channelCloseOK, .publish, .ack, .nack: nil
    }
  }
}

extension FrameBuffer {
  mutating func append(_ method: Method, channel: UInt16) throws(FieldError) {
    try append(.method, channel: channel) { writer throws(FieldError) in
      writer.uint32(method.id.rawValue)
      try writer.arguments(of: method)
    }
  }
}

extension FieldWriter {
  fileprivate mutating func arguments(of method: Method) throws(FieldError) {
    switch method {
    case .connectionClose, .channelClose:
      uint16(200)
      try shortString("bye".utf8, "reason")
      uint32(0)
    case .connectionCloseOK, .channelCloseOK:
      break
    case .channelOpen:
      uint8(0)
    case .exchangeDeclare(let name, let kind, let passive, let durable, let autoDelete, let arguments):
      uint16(0)
      try shortString(name.utf8, "an exchange name")
      try shortString(kind.utf8, "an exchange kind")
      bits(passive, durable, autoDelete)
      try table(arguments)
    case .exchangeBind(let destination, let source, let routingKey, let arguments):
      uint16(0)
      try shortString(destination.utf8, "an exchange name")
      try shortString(source.utf8, "an exchange name")
      try shortString(routingKey.utf8, "a binding key")
      bits(false)
      try table(arguments)
    case .queueDeclare(let name, let passive, let durable, let exclusive, let autoDelete, let arguments):
      uint16(0)
      try shortString(name.utf8, "a queue name")
      bits(passive, durable, exclusive, autoDelete)
      try table(arguments)
    case .queueBind(let queue, let exchange, let routingKey, let arguments):
      uint16(0)
      try shortString(queue.utf8, "a queue name")
      try shortString(exchange.utf8, "an exchange name")
      try shortString(routingKey.utf8, "a binding key")
      bits(false)
      try table(arguments)
    case .queueDelete(let name):
      uint16(0)
      try shortString(name.utf8, "a queue name")
      bits(false)
    case .qos(let prefetch):
      uint32(0)
      uint16(prefetch)
      bits(false)
    case .consume(let queue, let tag, let exclusive):
      uint16(0)
      try shortString(queue.utf8, "a queue name")
      try shortString(tag.utf8, "a consumer tag")
      bits(false, false, exclusive, false)
      try table(FieldTable())
    case .cancel(let tag):
      try shortString(tag.utf8, "a consumer tag")
      bits(false)
    case .publish(let exchange, let routingKey, let mandatory):
      uint16(0)
      try shortString(exchange.utf8, "an exchange name")
      try shortString(routingKey, "the routing key")
      uint8(mandatory ? 1 : 0)
    case .ack(let tag, let multiple):
      uint64(tag)
      uint8(multiple ? 1 : 0)
    case .nack(let tag, let requeue):
      uint64(tag)
      bits(false, requeue)
    case .confirmSelect:
      bits(false)
    }
  }
}
