import BatchCore

/// What is told of deadlines.
extension WorkerMetrics {
  static let deadlineDescriptions: [String: String] = [
    "rescues": "Rescues of deadlines that a batch would miss, by provider and way: cancel, send_twice, none.",
    "rescued_requests": "Requests that such rescues were about, by provider and way.",
    "double_spend_picousd": "What was knowingly paid twice to keep deadlines, as estimated, in pico-USD, by provider.",
    "expedited":
      "Requests of the deferred lane that were sent synchronously, since their deadline was too near or there is no batch endpoint.",
    "batch_turnaround_seconds":
      "How long batches take, as learned, by provider, model (the first \(ModelNames.most)) and quantile.",
    "budget_used": "What part of a budget is spent or reserved, by budget; of one for each value the largest part.",
    "batch_cancel_seconds": "How long it takes from a cancel to the results, likewise.",
  ]

  func rescued(provider: String, way: String, by amount: Int) {
    let dimensions = [("provider", provider), ("way", way)]
    count("rescues", dimensions)
    count("rescued_requests", dimensions, by: amount)
  }

  func doubleSpend(provider: String, _ spend: PicoUSD) {
    count("double_spend_picousd", [("provider", provider)], by: Int(clamping: spend.value))
  }

  func budget(_ name: String, used: Double) { set("budget_used", [("budget", name)], used) }

  func expedited(_ amount: Int) { count("expedited", [], by: amount) }

  /// Of models that share a name nothing is told: their batches have nothing in common.
  func turnaround(provider: String, model: String, _ learned: BatchTurnaround) {
    guard models.isOwn(model) else { return }
    for (label, quantiles) in [("batch_turnaround_seconds", learned.run), ("batch_cancel_seconds", learned.cancel)] {
      for (name, value) in [
        ("0.5", quantiles.half), ("0.9", quantiles.ninety), ("0.99", quantiles.ninetyNine),
      ] {
        set(
          label, [("provider", provider), ("model", model), ("quantile", name)],
          Double(value.wholeMilliseconds) / 1000)
      }
    }
  }
}
