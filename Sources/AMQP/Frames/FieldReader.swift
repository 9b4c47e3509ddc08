import CRabbitMQ
import Wire

/// Copies what the library decoded into values of ours. Nothing here keeps a pointer of the library.
enum FieldReader {
  static func bytes(_ bytes: amqp_bytes_t) -> [UInt8] {
    unsafe Array(UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.bytes == nil ? 0 : bytes.len))
  }

  /// Text from the broker itself, for people: repaired where it is not UTF-8.
  static func text(_ bytes: amqp_bytes_t) -> String {
    unsafe String(decoding: self.bytes(bytes), as: UTF8.self)
  }

  static func properties(_ source: UnsafePointer<amqp_basic_properties_t>) -> MessageProperties {
    let flags = unsafe source.pointee._flags
    func has(_ bit: Int) -> Bool { flags & (1 << UInt32(bit)) != 0 }
    var properties = MessageProperties()
    if has(15) { unsafe properties.contentType = bytes(source.pointee.content_type) }
    if has(14) { unsafe properties.contentEncoding = bytes(source.pointee.content_encoding) }
    if has(13) { unsafe properties.headers = table(source.pointee.headers) }
    if has(12) { unsafe properties.deliveryMode = source.pointee.delivery_mode }
    if has(11) { unsafe properties.priority = source.pointee.priority }
    if has(10) { unsafe properties.correlationID = bytes(source.pointee.correlation_id) }
    if has(9) { unsafe properties.replyTo = bytes(source.pointee.reply_to) }
    if has(8) { unsafe properties.expiration = bytes(source.pointee.expiration) }
    if has(7) { unsafe properties.messageID = bytes(source.pointee.message_id) }
    if has(6) { unsafe properties.timestamp = source.pointee.timestamp }
    if has(5) { unsafe properties.type = bytes(source.pointee.type) }
    if has(4) { unsafe properties.userID = bytes(source.pointee.user_id) }
    if has(3) { unsafe properties.appID = bytes(source.pointee.app_id) }
    if has(2) { unsafe properties.clusterID = bytes(source.pointee.cluster_id) }
    return properties
  }

  /// Tables and arrays below the deepest level kept come out empty; the rest of the headers is unharmed.
  static func table(_ source: amqp_table_t, depth: Int = 0) -> FieldTable {
    guard depth <= FieldWriter.deepestNesting else { return FieldTable() }
    let entries = unsafe UnsafeBufferPointer(start: source.entries, count: Int(max(source.num_entries, 0)))
    return unsafe FieldTable(entries.map { unsafe .init(key: bytes($0.key), value: value($0.value, depth: depth)) })
  }

  private static func array(_ source: amqp_array_t, depth: Int) -> [FieldValue] {
    guard depth <= FieldWriter.deepestNesting else { return [] }
    let elements = unsafe UnsafeBufferPointer(start: source.entries, count: Int(max(source.num_entries, 0)))
    return unsafe elements.map { unsafe value($0, depth: depth) }
  }

  private static func value(_ source: amqp_field_value_t, depth: Int) -> FieldValue {
    let value = unsafe source.value
    return switch unsafe Unicode.Scalar(source.kind) {
    case "t": unsafe .bool(value.boolean != 0)
    case "b": unsafe .int8(value.i8)
    case "B": unsafe .uint8(value.u8)
    case "s": unsafe .int16(value.i16)
    case "u": unsafe .uint16(value.u16)
    case "I": unsafe .int32(value.i32)
    case "i": unsafe .uint32(value.u32)
    case "l": unsafe .int64(value.i64)
    case "L": unsafe .uint64(value.u64)
    case "f": unsafe .float(value.f32)
    case "d": unsafe .double(value.f64)
    case "D": unsafe .decimal(scale: value.decimal.decimals, value: value.decimal.value)
    case "S": unsafe .string(bytes(value.bytes))
    case "x": unsafe .bytes(bytes(value.bytes))
    case "T": unsafe .timestamp(value.u64)
    case "F": unsafe .table(table(value.table, depth: depth + 1))
    case "A": unsafe .array(array(value.array, depth: depth + 1))
    default: .void  // The library fails a frame with any other kind.
    }
  }
}
