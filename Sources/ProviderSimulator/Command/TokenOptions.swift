import ArgumentParser

/// How tokens are counted, and which of them are cheaper.
struct TokenOptions: ParsableArguments {
  @Option(help: "How tokens are counted: exact, as the model does, or bytes, a quarter of them.")
  var tokenCounting: String?
  @Option(help: "Beginnings of prompts that the prompt cache holds. 0 is no cache.")
  var promptCachePrefixes: Int?

  var values: [(String, Int?)] { [("prompt_cache_prefixes", promptCachePrefixes)] }

  var choices: [(String, String?)] { [("token_counting", tokenCounting)] }
}
