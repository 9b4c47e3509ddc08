import Logging
import Observability
import Settings
import Worker

/// Logs and metrics of one process.
struct Telemetry: Sendable {
  let writer: LineWriter
  let logger: Logger
  let registry: MetricsRegistry

  init(_ settings: MillraceSettings) {
    let form: LineLogHandler.Form =
      switch settings.observability.logFormat {
      case .json: .json
      case .text: .text
      case .auto: LogOutput.isTerminal() ? .text : .json
      }
    writer = LineWriter(form: form)
    let output = LogOutput(
      form: form, level: Logger.Level(rawValue: settings.observability.logLevel.rawValue) ?? .info, sink: writer,
      redactor: Redactor(secrets: settings.secrets))
    LoggingSystem.bootstrap { output.makeHandler(label: $0) }
    logger = output.makeLogger(label: "millrace")
    registry = MetricsRegistry(
      prefix: settings.observability.metricsPrefix,
      descriptions: WorkerMetrics.descriptions.map { MetricDescription($0.key, $0.value) })
  }
}
