/// Texts that many rows share, kept once and named by number.
///
/// Names may come from publishers, so only so many are remembered.
package struct NameCache<Name: Hashable> {
  private static var capacity: Int { 4096 }

  private var ids: [Name: Int64] = [:]

  package init() {}

  package mutating func id(of name: Name, orElse find: (Name) throws -> Int64) rethrows -> Int64 {
    if let id = ids[name] { return id }
    let id = try find(name)
    if ids.count >= Self.capacity { ids.removeAll() }
    ids[name] = id
    return id
  }

  /// After a rollback: the newest may be gone.
  package mutating func removeAll() { ids.removeAll() }
}

/// Numbers back to texts. What a number names never changes.
package struct NameReader<Name> {
  private static var capacity: Int { 4096 }

  private var names: [Int64: Name] = [:]

  package init() {}

  package mutating func name(of id: Int64, orElse find: (Int64) throws -> Name?) throws -> Name {
    if let name = names[id] { return name }
    guard let name = try find(id) else { throw DamagedTables("the name \(id)") }
    if names.count >= Self.capacity { names.removeAll() }
    names[id] = name
    return name
  }
}
