import Glibc

/// Shows how a submission goes: a bar that is redrawn on a terminal, a line now and then elsewhere.
struct SubmitProgress {
  private let isTerminal: Bool
  private let started: ContinuousClock.Instant
  private var lastLine: ContinuousClock.Instant?
  private var lastCount = 0

  init(started: ContinuousClock.Instant, isTerminal: Bool = isatty(2) == 1) {
    self.started = started
    self.isTerminal = isTerminal
  }

  /// How often `show` is worth calling.
  var interval: Duration { isTerminal ? .milliseconds(100) : .milliseconds(500) }

  mutating func show(_ tally: SubmitTally.Snapshot, at now: ContinuousClock.Instant, note: String?) {
    if isTerminal {
      emit("\r\u{1B}[2K" + bar(tally, at: now) + (note.map { "  \($0)" } ?? ""))
      return
    }
    // Elsewhere a line every five seconds, and none when nothing has changed.
    if let lastLine, now - lastLine < .seconds(5) { return }
    if tally.answered == lastCount, note == nil { return }
    lastLine = now
    lastCount = tally.answered
    emit(text(tally, at: now) + (note.map { "  \($0)" } ?? "") + "\n")
  }

  func finish() {
    if isTerminal { emit("\r\u{1B}[2K") }
  }

  private func text(_ tally: SubmitTally.Snapshot, at now: ContinuousClock.Instant) -> String {
    let seconds = max(0.001, (now - started) / .seconds(1))
    let rate = Int(Double(tally.answered) / seconds)
    let total = tally.sendingDone ? "\(tally.sent)" : "\(tally.sent)+"
    return "\(tally.answered)/\(total) answered  \(rate)/s  \(tally.failed) failed  $\(money(tally.cost))"
  }

  private func bar(_ tally: SubmitTally.Snapshot, at now: ContinuousClock.Instant) -> String {
    let width = 28
    let share = tally.sent == 0 ? 0 : Double(tally.answered) / Double(tally.sent)
    let full = min(width, Int(share * Double(width)))
    let blocks = String(repeating: "█", count: full) + String(repeating: "░", count: width - full)
    return "\(blocks) \(Int(share * 100))%  \(text(tally, at: now))"
  }

  private func emit(_ text: String) {
    let bytes = Array(text.utf8)
    _ = bytes.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
  }
}

/// Dollars for people: four significant digits, or exactly when there are few.
func money(_ pico: Int128) -> String {
  let dollars = Double(pico) / 1e12
  if dollars == 0 { return "0" }
  let decimals = dollars >= 100 ? 2 : dollars >= 1 ? 3 : dollars >= 0.01 ? 5 : 7
  return fixed(dollars, decimals)
}

/// A decimal number with the given number of places.
func fixed(_ value: Double, _ decimals: Int) -> String {
  var scale = 1.0
  for _ in 0..<decimals { scale *= 10 }
  let scaled = (value.magnitude * scale).rounded()
  guard scaled < 1e15 else { return "\(value)" }
  let digits = String(Int64(scaled))
  let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.utf8.count)) + digits
  let sign = value < 0 ? "-" : ""
  return decimals == 0 ? sign + padded : sign + padded.dropLast(decimals) + "." + padded.suffix(decimals)
}
