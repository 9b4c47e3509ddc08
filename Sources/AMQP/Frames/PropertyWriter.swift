import Wire

extension FieldWriter {
  /// A content header's payload: class, weight, body size, flags, properties.
  mutating func contentHeader(_ properties: MessageProperties, bodySize: Int) throws(FieldError) {
    uint16(MethodID.basicClass)
    uint16(0)
    uint64(UInt64(bodySize))
    var flags: UInt16 = 0
    if properties.contentType != nil { flags |= 1 << 15 }
    if properties.contentEncoding != nil { flags |= 1 << 14 }
    if properties.headers != nil { flags |= 1 << 13 }
    if properties.deliveryMode != nil { flags |= 1 << 12 }
    if properties.priority != nil { flags |= 1 << 11 }
    if properties.correlationID != nil { flags |= 1 << 10 }
    if properties.replyTo != nil { flags |= 1 << 9 }
    if properties.expiration != nil { flags |= 1 << 8 }
    if properties.messageID != nil { flags |= 1 << 7 }
    if properties.timestamp != nil { flags |= 1 << 6 }
    if properties.type != nil { flags |= 1 << 5 }
    if properties.userID != nil { flags |= 1 << 4 }
    if properties.appID != nil { flags |= 1 << 3 }
    if properties.clusterID != nil { flags |= 1 << 2 }
    uint16(flags)
    if let value = properties.contentType { try shortString(value, "content_type") }
    if let value = properties.contentEncoding { try shortString(value, "content_encoding") }
    if let value = properties.headers { try table(value) }
    if let value = properties.deliveryMode { uint8(value) }
    if let value = properties.priority { uint8(value) }
    if let value = properties.correlationID { try shortString(value, "correlation_id") }
    if let value = properties.replyTo { try shortString(value, "reply_to") }
    if let value = properties.expiration { try shortString(value, "expiration") }
    if let value = properties.messageID { try shortString(value, "message_id") }
    if let value = properties.timestamp { uint64(value) }
    if let value = properties.type { try shortString(value, "type") }
    if let value = properties.userID { try shortString(value, "user_id") }
    if let value = properties.appID { try shortString(value, "app_id") }
    if let value = properties.clusterID { try shortString(value, "cluster_id") }
  }
}
