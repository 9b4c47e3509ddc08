import ArgumentParser
import Wire

struct Cost: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows what requests cost, by whoever caused it.",
    discussion: """
      Every attempt that ended is counted, by the commit of its end and to the last pico-dollar: answers, failures that the
      provider bills, and answers that came when there was one already. What may have been paid without an answer, as a
      call whose process died, is not in USD but in UNKNOWN USD, at the most that it can cost: the bill lies between USD and
      the sum of both. LIST USD is what the same tokens cost synchronously and without a prompt cache.

      Asks the service on admin.listen; replicas that share a ledger all say the same.
      """)

  @OptionGroup var options: ConfigurationOptions

  @Option(
    help: ArgumentHelp(
      "What to add up by, with commas: day, tenant, cost_center, user, service, environment, provider, model, lane, batch.",
      valueName: "names"))
  var by = "tenant,model"

  @Option(help: ArgumentHelp("The first day (UTC), or how many days with the last one: 7d.", valueName: "day"))
  var since = "7d"

  @Option(help: ArgumentHelp("The last day (UTC). Default: today.", valueName: "day"))
  var until: String?

  @Option(help: ArgumentHelp("How many lines at most, up to 10000; the dearest are shown.", valueName: "lines"))
  var limit = 1000

  @Flag(help: "Prints the service's JSON, money as exact texts.")
  var json = false

  @Flag(help: "Prints comma-separated values.")
  var csv = false

  func validate() throws {
    if json && csv { throw ValidationError("--json and --csv are both given; choose one") }
    for text in [by, since, until ?? ""] where !text.utf8.allSatisfy(Self.isPlain) {
      throw ValidationError("\(text) holds what no name and no day has; --by tenant,model --since 7d is an example")
    }
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: ",") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
      || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
  }

  func run() async throws {
    let end = until.map { "&until=\($0)" } ?? ""
    let answer = try await options.ask("GET", "/cost?by=\(by)&since=\(since)&limit=\(limit)\(end)")
    if json { return print(String(decoding: answer, as: UTF8.self)) }
    guard let lines = csv ? CostTable.csv(answer) : CostTable.lines(answer) else {
      complain("the service's answer is no report of costs; is it of this version?")
      throw ExitStatus.failure
    }
    for line in lines { print(line) }
  }
}
