public import BatchCore
import CModels

extension ModelCatalog {
  /// The table that is part of the program; its first lines say where it is from and of which day it is.
  public static let shipped = ModelCatalog(ModelTableText.read(ModelTableText.bytes))
}

/// The shipped table: a model a line, its columns apart by tabs.
enum ModelTableText {
  static var bytes: [UInt8] {
    var count = 0
    let start = unsafe millrace_models(&count)
    return unsafe Array(UnsafeBufferPointer(start: start, count: count))
  }

  /// Lines that say nothing of a model are left out; a test holds that there are none in the shipped table.
  static func read(_ bytes: [UInt8]) -> [String: ModelFacts] {
    var models: [String: ModelFacts] = [:]
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      let text = String(decoding: line, as: UTF8.self)
      if text.hasPrefix("#") { continue }
      guard let (name, facts) = read(text) else { continue }
      models[name] = facts
    }
    return models
  }

  static func read(_ line: String) -> (String, ModelFacts)? {
    let columns = line.split(separator: "\t", omittingEmptySubsequences: false)
    guard (2...5).contains(columns.count), let mode = ModelFacts.Mode(rawValue: String(columns[1])) else { return nil }
    var facts = ModelFacts(mode: mode)
    if columns.count > 2 { facts.contextTokens = Int64(columns[2]) }
    if columns.count > 3 { facts.outputTokens = Int64(columns[3]) }
    if columns.count > 4 {
      guard let price = ModelPrice(text: columns[4]) else { return nil }
      facts.price = price
    }
    return (String(columns[0]), facts)
  }
}
