import ArgumentParser
import Wire

struct Batches: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows the open batches of a service that runs, and decides about those whose fate is unknown.",
    discussion: """
      A batch is unknown when its create was not confirmed and nobody can tell whether the provider has it: several
      batches carry its label, the provider cannot be searched, or the batch's key is gone. It waits, and nothing is paid
      twice, until one of these is said of it:

        millrace batches resolve LABEL --adopt ID    it is the provider's batch ID
        millrace batches resolve LABEL --resubmit    the provider does not have it: send it again
        millrace batches resolve LABEL --give-up     answer its requests result_missing

      A create that is under way is given execution.create_timeout and execution.reconcile_grace before it can be decided
      about. --resubmit deletes the batch's input file first, so that a late create finds none, and is refused while the
      provider does not delete it.

      Asks the service on admin.listen.
      """,
    subcommands: [List.self, Resolve.self])

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Shows the open batches.")

    @OptionGroup var options: ConfigurationOptions

    @Flag(help: "Prints the service's JSON.")
    var json = false

    func run() async throws {
      let answer = try await options.ask("GET", "/batches")
      if json { return print(String(decoding: answer, as: UTF8.self)) }
      guard let lines = BatchTable.lines(answer) else {
        complain("the service's answer is no list of batches; is it of this version?")
        throw ExitStatus.failure
      }
      for line in lines { print(line) }
    }
  }

  struct Resolve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Decides about a batch whose fate is unknown.")

    @OptionGroup var options: ConfigurationOptions

    @Argument(help: ArgumentHelp("The batch, as millrace batches list names it.", valueName: "label"))
    var label: String

    @Option(help: ArgumentHelp("It is this batch of the provider.", valueName: "id"))
    var adopt: String?

    @Flag(help: "The provider does not have it: it is sent again.")
    var resubmit = false

    @Flag(help: "Nobody knows: its requests are answered result_missing, their cost stays unknown.")
    var giveUp = false

    func validate() throws {
      if [adopt != nil, resubmit, giveUp].count(where: { $0 }) != 1 {
        throw ValidationError("say one of --adopt ID, --resubmit and --give-up")
      }
      if adopt?.isEmpty == true { throw ValidationError("--adopt is empty; name the provider's id of the batch") }
      let isLabel = label.utf8.allSatisfy { byte in
        byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
          || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
      }
      if label.isEmpty || !isLabel { throw ValidationError("'\(label)' is no label; millrace batches list shows them") }
    }

    func run() async throws {
      var body = JSONWriter()
      body.beginObject()
      body.key("as")
      body.string(adopt != nil ? "adopt" : resubmit ? "resubmit" : "give_up")
      if let adopt {
        body.key("provider_batch_id")
        body.string(adopt)
      }
      body.endObject()
      _ = try await options.ask("POST", "/batches/\(label)/resolve", body.bytes)
      let what = adopt.map { "is adopted as \($0)" } ?? (resubmit ? "is submitted again" : "is given up")
      print("batch \(label) \(what) as soon as the service that holds it looks")
    }
  }
}
