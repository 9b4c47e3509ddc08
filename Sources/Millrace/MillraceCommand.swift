import ArgumentParser

@main
struct MillraceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "millrace",
    abstract: "Turns a RabbitMQ queue of LLM requests into provider batches, and publishes every answer.",
    discussion: """
      Publish requests to the exchange llm.requests (routing key interactive.… or deferred.…), each as the JSON body
      that you would POST to the provider. Bind a queue to llm.results to get the answers: the routing key is the
      correlation_id of your request.

        millrace check                     is everything there that it needs?
        millrace serve                     run the service
        millrace submit requests.jsonl     send a file of requests and wait for the answers
        millrace batches list              what is with the providers now
        millrace breakers list             what is suspended, since when and why
        millrace cost --by tenant,model    what it cost, and what that saved
        millrace plan requests.jsonl       what a file would cost, and how long it would take
        millrace tokens prompt.txt         how many tokens a file has

      Without --config the defaults serve: a broker on 127.0.0.1, the key from OPENAI_API_KEY.
      """,
    version: MillraceVersion.text,
    subcommands: subcommands)

  private static var subcommands: [any ParsableCommand.Type] {
    let all: [any ParsableCommand.Type] = [
      Serve.self, Check.self, Submit.self, Batches.self, Breakers.self, Cost.self, Plan.self, Tokens.self,
      LedgerCommand.self,
      ShowConfiguration.self,
    ]
    #if FAILPOINTS
      return all + [ListFailpoints.self]
    #else
      return all
    #endif
  }
}

enum MillraceVersion {
  static let number = "0.1.0"
  static let text = "millrace \(number)"
  /// Tells the processes of a deployment apart, in their logs and in those of a provider.
  static let instance = String(UInt32.random(in: 0x1000_0000 ... .max), radix: 16)
  static let userAgent = "millrace/\(number) (\(instance))"
}
