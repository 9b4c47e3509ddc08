/// Trace headers of a request, carried to its reply as they came.
public struct TraceContext: Hashable, Sendable {
  public var traceparent: String?
  public var tracestate: String?
  public var batchTraceID: String?

  public init(traceparent: String? = nil, tracestate: String? = nil, batchTraceID: String? = nil) {
    self.traceparent = traceparent
    self.tracestate = tracestate
    self.batchTraceID = batchTraceID
  }
}
