extension RescueSettings {
  /// Reads the keys under `rescue`.
  init(reading rescue: Section) {
    self.init()
    maxDoubleSpend = rescue.dollars("max_double_spend", maxDoubleSpend, upTo: 1_000_000)
    buffer = rescue.duration("buffer", buffer, .zero...(.seconds(86_400)))
    assumedTurnaround = rescue.duration("assumed_turnaround", assumedTurnaround, .seconds(1)...(.seconds(604_800)))
    assumedCancel = rescue.duration("assumed_cancel", assumedCancel, .seconds(1)...(.seconds(86_400)))
  }
}
