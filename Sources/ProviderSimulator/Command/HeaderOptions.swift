import ArgumentParser

/// How limits and waits are told.
struct HeaderOptions: ParsableArguments {
  @Option(help: "What tells the limits: openai (x-ratelimit-, Go durations), anthropic, mistral, seconds or none.")
  var headerStyle: String?
  @Option(help: "How a refusal tells the wait: seconds, date, ms, both or none.")
  var retryAfterStyle: String?

  var choices: [(String, String?)] { [("header_style", headerStyle), ("retry_after_style", retryAfterStyle)] }
}
