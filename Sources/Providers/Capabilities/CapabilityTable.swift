public import BatchCore

/// What each kind of provider can do, in the order of the documentation.
public enum CapabilityTable {
  /// The kind as the configuration names it.
  public static let rows: [(kind: String, capabilities: ProviderCapabilities)] =
    [
      ("openai", .openAI), ("azure", .azure), ("anthropic", .anthropic), ("gemini", .gemini), ("mistral", .mistral),
      ("openai-compatible", .openAICompatible),
    ] + OpenAIDialect.deviations.map { ("openai-compatible: \($0.name)", $0.capabilities) }

  /// The table of README.
  public static var markdown: String {
    let columns: [(title: String, text: (ProviderCapabilities) -> String)] = [
      ("requests", { $0.endpointText }), ("native batch", { $0.batchText }),
      ("a lost create is found by", { $0.searchText }),
      ("cancel", { $0.cancellable ? ($0.keepsResultsOfCancelled ? "yes, keeps results" : "yes") : "no" }),
      ("progress", { $0.showsProgress ? "yes" : "no" }), ("webhook", { $0.sendsWebhooks ? "yes" : "no" }),
      ("results kept", { $0.resultLifetime.map { "\($0.components.seconds / 86_400) d" } ?? "unknown" }),
      ("largest batch", { $0.sizeText }),
      ("embeddings a call", { $0.embeddings.map { "\($0.inputs) inputs, \($0.tokens) tokens" } ?? "unknown" }),
      ("batch discount", { $0.batchDiscount.map { "\($0) %" } ?? "unknown" }),
    ]
    var lines = ["| kind | " + columns.map(\.title).joined(separator: " | ") + " |"]
    lines.append("|" + String(repeating: "---|", count: columns.count + 1))
    for row in rows {
      let cells = columns.map { $0.text(row.capabilities) }
      lines.append("| `\(row.kind)` | " + cells.joined(separator: " | ") + " |")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension ProviderCapabilities {
  fileprivate var endpointText: String {
    endpoints.sorted { $0.rawValue < $1.rawValue }
      .map { "`\($0.path)`" + (translatedEndpoints.contains($0) ? " (translated)" : "") }.joined(separator: ", ")
  }

  fileprivate var batchText: String {
    switch batchWay {
    case .file: "uploaded file"
    case .inline: "in the create"
    case nil: "none"
    }
  }

  fileprivate var searchText: String {
    switch batchSearch {
    case .label: "label"
    case .customIDs: "row count, then custom ids in the results"
    case nil: "nothing"
    }
  }

  fileprivate var sizeText: String {
    guard batches else { return "-" }
    let tokens = largestBatchTokens.map { ", \($0) tokens" } ?? ""
    return "\(largestBatchRows) rows, \(largestBatchBytes / 1_000_000) MB\(tokens)"
  }
}
