import Wire

/// How much a model is to think: models before Gemini 3 are told a number of tokens, later ones a level.
enum ThinkingEffort {
  private static let budgets: [String: Int64] = ["minimal": 1024, "low": 1024, "medium": 8192, "high": 24_576]

  static func write(_ effort: String, _ model: String, into writer: inout JSONWriter) throws(ChatRefusal) {
    let isOff = effort == "none"
    guard let budget = isOff ? 0 : budgets[effort] else {
      throw ChatRefusal("reasoning_effort", "has no counterpart; allowed are none, minimal, low, medium, high")
    }
    let own = model.split(separator: "/").last ?? ""
    writer.beginObject()
    if isOff || own.hasPrefix("gemini-2") {
      writer.number("thinkingBudget", budget)
    } else {
      writer.text("thinkingLevel", effort)
    }
    writer.endObject()
  }
}
