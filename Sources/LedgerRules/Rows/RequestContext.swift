package import Wire

/// What is kept of an envelope in one column, since most requests have little of it and nothing searches for it.
///
/// For each text that is there: its tag, its length as four big-endian bytes, its UTF-8.
package struct RequestContext: Equatable {
  package var customID: String?
  package var trace = TraceContext()
  package var callbackURL: String?

  package init(_ envelope: Envelope) {
    customID = envelope.customID
    trace = envelope.trace
    callbackURL = envelope.callbackURL
  }

  /// Reads what `bytes` gave. What cannot be read is left out: it only decorates a reply.
  package init(bytes: [UInt8]?) {
    guard let bytes else { return }
    var rest = bytes[...]
    while rest.count >= 5 {
      let tag = rest.removeFirst()
      let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
      rest = rest.dropFirst(4)
      guard length <= rest.count else { return }
      let text = String(decoding: rest.prefix(length), as: UTF8.self)
      rest = rest.dropFirst(length)
      switch tag {
      case 1: customID = text
      case 2: trace.traceparent = text
      case 3: trace.tracestate = text
      case 4: trace.batchTraceID = text
      case 5: callbackURL = text
      default: break
      }
    }
  }

  /// Nil when there is nothing to keep.
  package var bytes: [UInt8]? {
    if customID == nil && callbackURL == nil && trace == TraceContext() { return nil }
    var bytes: [UInt8] = []
    let fields = [
      (1, customID), (2, trace.traceparent), (3, trace.tracestate), (4, trace.batchTraceID), (5, callbackURL),
    ]
    for case (let tag, let text?) in fields {
      bytes.append(UInt8(tag))
      let length = UInt32(clamping: text.utf8.count)
      withUnsafeBytes(of: length.bigEndian) { bytes.append(contentsOf: $0) }
      bytes.append(contentsOf: text.utf8)
    }
    return bytes
  }
}
