import ArgumentParser

/// Oddities of providers, all of them on by default. One option sets any; the older ones have one each.
struct QuirkOptions: ParsableArguments {
  @Flag(inversion: .prefixedNo, help: "Anthropic: a batch shows no progress until it has ended.")
  var quirkHiddenProgress: Bool?
  @Flag(inversion: .prefixedNo, help: "Anthropic: with credit used up a batch is taken, and each of its lines refused.")
  var quirkCreditInLines: Bool?
  @Flag(name: .customLong("quirk-overloaded-529"), inversion: .prefixedNo, help: "Anthropic: 529 instead of 503.")
  var quirkOverloaded529: Bool?
  @Flag(inversion: .prefixedNo, help: "Anthropic: unknown fields, nulls, and times with offsets.")
  var quirkOddFields: Bool?

  var flags: [(String, Bool?)] {
    [
      ("quirk_hidden_progress", quirkHiddenProgress), ("quirk_credit_in_lines", quirkCreditInLines),
      ("quirk_overloaded_529", quirkOverloaded529), ("quirk_odd_fields", quirkOddFields),
    ]
  }

  @Option(
    name: .customLong("quirk"),
    help: """
      NAME=on, NAME=off or NAME=NUMBER of an oddity, such as azure_text_times=off; repeatable. POST /_sim/faults shows \
      their names.
      """)
  var quirks: [String] = []

  func apply(to behaviour: inout Behaviour) throws(SimulatorError) {
    for quirk in quirks {
      let parts = quirk.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2 else { throw SimulatorError("--quirk \(quirk) is no NAME=VALUE") }
      switch parts[1] {
      case "on": try behaviour.turn(parts[0], true)
      case "off": try behaviour.turn(parts[0], false)
      default: try behaviour.set(parts[0], to: Double(parts[1]))
      }
    }
  }
}
