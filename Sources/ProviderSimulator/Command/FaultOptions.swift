import ArgumentParser

/// Shares of 1 of what goes wrong.
struct FaultOptions: ParsableArguments {
  @Option(name: .customLong("fault-429"), help: "Synchronous calls answered 429.")
  var tooMany: Double?
  @Option(name: .customLong("fault-5xx"), help: "Synchronous calls answered 500, 502 or 503.")
  var serverError: Double?
  @Option(name: .customLong("fault-hang"), help: "Synchronous calls billed, but never answered.")
  var hang: Double?
  @Option(name: .customLong("fault-cut"), help: "Synchronous calls billed, but cut within the body.")
  var cut: Double?
  @Option(name: .customLong("fault-line-missing"), help: "Batch rows billed, but without a line.")
  var lineMissing: Double?
  @Option(name: .customLong("fault-line-error"), help: "Batch rows that fail, but may be retried.")
  var lineError: Double?
  @Option(name: .customLong("fault-line-reject"), help: "Batch rows that are refused for good.")
  var lineReject: Double?
  @Option(name: .customLong("fault-expire"), help: "Batches that expire half way.")
  var expire: Double?
  @Option(name: .customLong("fault-null-output"), help: "Batches that complete before their files show.")
  var nullOutput: Double?
  @Option(name: .customLong("fault-create-timeout"), help: "Batch creates accepted, but never answered.")
  var createTimeout: Double?
  @Option(name: .customLong("fault-create-500-after-accept"), help: "Batch creates accepted, but answered 500.")
  var createError: Double?
  @Option(name: .customLong("fault-create-reset"), help: "Batch creates accepted, but the connection is reset.")
  var createReset: Double?
  @Option(name: .customLong("fault-create-lost"), help: "Batch creates neither accepted nor answered.")
  var createLost: Double?
  @Option(name: .customLong("fault-control-429"), help: "Calls to files and batches answered 429.")
  var controlTooMany: Double?
  @Option(name: .customLong("fault-control-5xx"), help: "Calls to files and batches answered 500.")
  var controlServerError: Double?
  @Option(name: .customLong("fault-control-cut"), help: "Downloads cut half way.")
  var controlCut: Double?

  var values: [(String, Double?)] {
    [
      ("fault_429", tooMany), ("fault_5xx", serverError), ("fault_hang", hang), ("fault_cut", cut),
      ("fault_line_missing", lineMissing), ("fault_line_error", lineError), ("fault_line_reject", lineReject),
      ("fault_expire", expire), ("fault_null_output", nullOutput), ("fault_create_timeout", createTimeout),
      ("fault_create_500_after_accept", createError), ("fault_create_reset", createReset),
      ("fault_create_lost", createLost), ("fault_control_429", controlTooMany),
      ("fault_control_5xx", controlServerError), ("fault_control_cut", controlCut),
    ]
  }
}
