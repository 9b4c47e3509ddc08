/// The class and method numbers of AMQP 0-9-1 that are used here, as they stand in a method frame.
struct MethodID: RawRepresentable, Hashable, Sendable {
  var rawValue: UInt32

  static let basicClass: UInt16 = 60

  static let connectionClose = MethodID(rawValue: 10 << 16 | 50)
  static let connectionCloseOK = MethodID(rawValue: 10 << 16 | 51)
  static let connectionBlocked = MethodID(rawValue: 10 << 16 | 60)
  static let connectionUnblocked = MethodID(rawValue: 10 << 16 | 61)
  static let channelOpen = MethodID(rawValue: 20 << 16 | 10)
  static let channelOpenOK = MethodID(rawValue: 20 << 16 | 11)
  static let channelClose = MethodID(rawValue: 20 << 16 | 40)
  static let channelCloseOK = MethodID(rawValue: 20 << 16 | 41)
  static let exchangeDeclare = MethodID(rawValue: 40 << 16 | 10)
  static let exchangeDeclareOK = MethodID(rawValue: 40 << 16 | 11)
  static let exchangeBind = MethodID(rawValue: 40 << 16 | 30)
  static let exchangeBindOK = MethodID(rawValue: 40 << 16 | 31)
  static let queueDeclare = MethodID(rawValue: 50 << 16 | 10)
  static let queueDeclareOK = MethodID(rawValue: 50 << 16 | 11)
  static let queueBind = MethodID(rawValue: 50 << 16 | 20)
  static let queueBindOK = MethodID(rawValue: 50 << 16 | 21)
  static let queueDelete = MethodID(rawValue: 50 << 16 | 40)
  static let queueDeleteOK = MethodID(rawValue: 50 << 16 | 41)
  static let basicQos = MethodID(rawValue: 60 << 16 | 10)
  static let basicQosOK = MethodID(rawValue: 60 << 16 | 11)
  static let basicConsume = MethodID(rawValue: 60 << 16 | 20)
  static let basicConsumeOK = MethodID(rawValue: 60 << 16 | 21)
  static let basicCancel = MethodID(rawValue: 60 << 16 | 30)
  static let basicCancelOK = MethodID(rawValue: 60 << 16 | 31)
  static let basicPublish = MethodID(rawValue: 60 << 16 | 40)
  static let basicReturn = MethodID(rawValue: 60 << 16 | 50)
  static let basicDeliver = MethodID(rawValue: 60 << 16 | 60)
  static let basicAck = MethodID(rawValue: 60 << 16 | 80)
  static let basicNack = MethodID(rawValue: 60 << 16 | 120)
  static let confirmSelect = MethodID(rawValue: 85 << 16 | 10)
  static let confirmSelectOK = MethodID(rawValue: 85 << 16 | 11)
}
