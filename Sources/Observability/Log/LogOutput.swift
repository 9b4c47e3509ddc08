import Glibc
public import Logging

/// Makes the loggers of the process: one form, one sink, one set of secrets.
public struct LogOutput: Sendable {
  private let form: LineLogHandler.Form
  private let level: Logger.Level
  private let sink: any LineSink
  private let redactor: Redactor

  public init(form: LineLogHandler.Form, level: Logger.Level, sink: any LineSink, redactor: Redactor) {
    self.form = form
    self.level = level
    self.sink = sink
    self.redactor = redactor
  }

  /// A handler, for `LoggingSystem.bootstrap`.
  public func makeHandler(label: String, metadataProvider: Logger.MetadataProvider? = nil) -> LineLogHandler {
    LineLogHandler(
      label: label, form: form, level: level, sink: sink, redactor: redactor, metadataProvider: metadataProvider)
  }

  public func makeLogger(label: String) -> Logger {
    Logger(label: label, factory: { makeHandler(label: $0) })
  }

  /// Whether a descriptor (2 is standard error) is a terminal, for which text is the better form.
  public static func isTerminal(_ descriptor: CInt = 2) -> Bool {
    isatty(descriptor) == 1
  }
}

extension LineWriter {
  /// A writer to standard error whose notice of dropped lines has the form of the other lines.
  public convenience init(form: LineLogHandler.Form, descriptor: CInt = 2, capacity: Int = 1 << 20) {
    self.init(descriptor: descriptor, capacity: capacity) { count in
      LogLine(
        time: .now, level: .warning, label: "millrace.log", message: "log lines were dropped: the reader is too slow",
        metadata: ["lines": .stringConvertible(count)]
      ).bytes(form, .none)
    }
  }
}
