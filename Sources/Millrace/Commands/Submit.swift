import AMQP
import ArgumentParser
import Glibc
import Logging
import Settings
import Wire

struct Submit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Sends a file of requests and waits for the answers.",
    discussion: """
      Each line of the file is one request: a provider's request body, a line of the OpenAI batch format, or the short
      form with id, model, messages, maxTokens. Lines are published with confirms; replies come to a queue of this
      command's own. With --output they are written there as they come, a JSON object a line, in no particular order.

      Ends with 0 when every request succeeded, with 1 when one failed or was not answered in time.
      """)

  @OptionGroup var options: ConfigurationOptions

  @Argument(help: ArgumentHelp("The requests, JSONL; - reads standard input.", valueName: "file"))
  var file: String

  @Option(help: "Which queue they go to: interactive, deferred, or both in turn.")
  var lane = SubmitLane.deferred

  @Option(
    help: ArgumentHelp(
      "Where to write the replies; - is standard output. They are only counted without it.", valueName: "path"))
  var output: String?

  @Option(help: ArgumentHelp("The tenant that pays (header x-tenant).", valueName: "name"))
  var tenant: String?

  @Option(help: ArgumentHelp("Milliseconds in which each must be sent (header x-deadline-ms).", valueName: "ms"))
  var deadlineMs: Int?

  @Option(help: ArgumentHelp("Give up when no reply has come for this many seconds; 0 waits for ever.", valueName: "s"))
  var timeout = 0

  func run() async throws {
    signal(SIGPIPE, SIG_IGN)
    // As the first process of a container it would not end on these otherwise.
    signal(SIGTERM) { _ in _exit(143) }
    signal(SIGINT) { _ in _exit(130) }
    let settings = try options.load()
    let submission = try Submission(self, settings)
    let outcome = await submission.run()
    for line in outcome.lines { complain(line) }
    if !outcome.isSuccess { throw ExitStatus.failure }
  }

  func validate() throws {
    if timeout < 0 { throw ValidationError("--timeout is \(timeout); allowed are 0 and more seconds") }
    if let deadlineMs, deadlineMs < 1 {
      throw ValidationError("--deadline-ms is \(deadlineMs); allowed are 1 and more milliseconds")
    }
  }
}
