import Wire

/// The members of one object of the journal, by name.
struct JournalRecord {
  private var members: [String: JSONSlice] = [:]

  init(_ slice: JSONSlice) {
    for member in slice.members { members[member.key] = member.value }
  }

  func text(_ name: String) -> String? { members[name]?.string }
  func number(_ name: String) -> Int? { members[name]?.int64.flatMap { Int(exactly: $0) } }
  func raw(_ name: String) -> [UInt8]? { members[name].flatMap { $0.isNull ? nil : Array($0.raw) } }
  subscript(_ name: String) -> JSONSlice? { members[name] }
}
