public import Logging

/// A log handler that makes one line of each event, as JSON or as short text, without secrets.
public struct LineLogHandler: LogHandler {
  /// How a line looks.
  public enum Form: Sendable {
    /// An object with `time`, `level`, `label`, `message`, and the metadata beside them.
    case json
    /// For a terminal: time of day, level, label, message, and the metadata as `key=value`.
    case text
  }

  public var metadata: Logger.Metadata = [:]
  public var logLevel: Logger.Level
  public var metadataProvider: Logger.MetadataProvider?

  private let label: String
  private let form: Form
  private let sink: any LineSink
  private let redactor: Redactor
  private let now: @Sendable () -> WallTime

  public init(
    label: String, form: Form, level: Logger.Level, sink: any LineSink, redactor: Redactor = .none,
    metadataProvider: Logger.MetadataProvider? = nil, now: @escaping @Sendable () -> WallTime = { .now }
  ) {
    self.label = label
    self.form = form
    logLevel = level
    self.sink = sink
    self.redactor = redactor
    self.metadataProvider = metadataProvider
    self.now = now
  }

  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  public func log(event: LogEvent) {
    var fields = metadata
    if let provided = metadataProvider?.get() { fields.merge(provided) { $1 } }
    if let own = event.metadata { fields.merge(own) { $1 } }
    let line = LogLine(
      time: now(), level: event.level, label: label, message: event.message.description,
      error: event.error.map { String(describing: $0) }, metadata: fields)
    sink.write(line.bytes(form, redactor), important: event.level >= .warning)
  }
}
