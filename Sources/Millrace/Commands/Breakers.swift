import ArgumentParser
import Wire

struct Breakers: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows the circuit breakers of a service that runs, and closes those that are seen to.",
    discussion: """
      A breaker suspends the calls of a model at an account, or the account's batches, when too many have failed, the key is
      refused or the credit is used up. One call tries now and then and closes it; until then requests wait or take their
      next route. Whoever has seen to the reason need not wait for that call:

        millrace breakers close ACCOUNT          all breakers of the account
        millrace breakers close ACCOUNT MODEL    that of one model; '' is that of the account's batches

      Replicas that share a ledger share their breakers: one answers for all of them. What is closed too early opens again
      with the next calls that fail.

      Asks the service on admin.listen.
      """,
    subcommands: [List.self, Close.self])

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Shows the breakers that are not closed.")

    @OptionGroup var options: ConfigurationOptions

    @Flag(help: "Prints the service's JSON.")
    var json = false

    func run() async throws {
      let answer = try await options.ask("GET", "/breakers")
      if json { return print(String(decoding: answer, as: UTF8.self)) }
      guard let lines = BreakerTable.lines(answer) else {
        complain("the service's answer is no list of breakers; is it of this version?")
        throw ExitStatus.failure
      }
      for line in lines { print(line) }
    }
  }

  struct Close: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Closes breakers: what had opened them is seen to.")

    @OptionGroup var options: ConfigurationOptions

    @Argument(
      help: ArgumentHelp("The account, as millrace breakers list names it, or its provider.", valueName: "account"))
    var account: String

    @Argument(help: ArgumentHelp("One model of it, or '' for its batches. Default: all.", valueName: "model"))
    var model: String?

    func validate() throws {
      if account.isEmpty { throw ValidationError("the account is empty; millrace breakers list shows them") }
    }

    func run() async throws {
      var body = JSONWriter()
      body.beginObject()
      body.field("account", account)
      if let model { body.field("model", model) }
      body.endObject()
      let answer = try await options.ask("POST", "/breakers/close", body.bytes)
      guard let closed = (try? JSONSlice.parse(answer))?["breakers"], closed.kind == .array else {
        complain("the service's answer is no list of breakers; is it of this version?")
        throw ExitStatus.failure
      }
      for breaker in closed.elements {
        let model = breaker["model"]?.string ?? ""
        print("closed \(breaker["account"]?.string ?? account) \(model.isEmpty ? "(batches)" : model)")
      }
    }
  }
}
