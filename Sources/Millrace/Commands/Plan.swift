import ArgumentParser
import Glibc
import Worker

struct Plan: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prices and times a file of requests before it is sent.",
    discussion: """
      Each line is one request, in any form that a message may have. Input is counted as when it is sent; how long answers
      and batches are is learned from what the service on admin.listen has seen, and assumed where it has seen nothing or
      does not run. Nothing is sent to the broker or to a provider.

      Ends with 0 when every line can be sent, else with 1.
      """)

  @OptionGroup var options: ConfigurationOptions

  @Argument(help: ArgumentHelp("The requests, JSONL; - reads standard input.", valueName: "file"))
  var file: String

  @Flag(help: "Prints JSON, money as exact texts.")
  var json = false

  func run() async throws {
    signal(SIGPIPE, SIG_IGN)
    let settings = try options.load()
    let history = await PlanHistory(asking: settings)
    let now = SystemTimekeeper().now()
    var plan = FilePlan(settings, tokens: PromptCounter(), answers: history.answers)
    do {
      var lines = try LineFile(path: file)
      while let part = try lines.next() { for line in part { plan.add(line, at: now) } }
    } catch {
      complain("\(error)")
      throw ExitStatus.failure
    }
    let times = PlanTimes(plan, settings, turnaround: history.turnaround)
    if json { print(PlanText.json(plan, times)) } else { for line in PlanText.lines(plan, times) { print(line) } }
    if plan.unusable > 0 || plan.requests == 0 { throw ExitStatus.failure }
  }
}
