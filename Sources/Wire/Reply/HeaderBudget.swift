/// Keeps a header table within a size. What is dropped is named in `x-headers-dropped`.
struct HeaderBudget {
  let maximumBytes: Int

  static let droppedName = "x-headers-dropped"

  /// - Parameter required: names that are never dropped; their values are ours and short.
  func fit(_ table: FieldTable, required: Set<String>) -> FieldTable {
    var size = 4 + table.entries.reduce(0) { $0 + Self.size($1) }
    let isTooLong = table.entries.contains { $0.key.count > MessageLimits.maximumIDBytes }
    guard size > maximumBytes || isTooLong else { return table }
    // A list of names may be long itself.
    let namesLimit = min(MessageLimits.maximumHeaderTextBytes, maximumBytes / 4)
    let reserve = 1 + Self.droppedName.utf8.count + 5 + namesLimit
    var dropped: Set<Int> = []
    var names: [String] = []
    // The largest go first, so that as few as possible go.
    let order = table.entries.indices.sorted {
      let (left, right) = (Self.size(table.entries[$0]), Self.size(table.entries[$1]))
      return left == right ? $0 < $1 : left > right
    }
    for index in order {
      let entry = table.entries[index]
      let isOversized = entry.key.count > MessageLimits.maximumIDBytes
      guard isOversized || size + reserve > maximumBytes else { continue }
      if !isOversized, required.contains(String(decoding: entry.key, as: UTF8.self)) { continue }
      dropped.insert(index)
      names.append(String(decoding: entry.key, as: UTF8.self))
      size -= Self.size(entry)
    }
    var kept = FieldTable(table.entries.indices.filter { !dropped.contains($0) }.map { table.entries[$0] })
    kept[Self.droppedName] = MessageLimits.headerText(names.joined(separator: ","), limit: namesLimit)
    return kept
  }

  /// Bytes of an entry in AMQP's encoding.
  static func size(_ entry: FieldTable.Entry) -> Int { 1 + entry.key.count + size(entry.value) }

  private static func size(_ value: FieldValue) -> Int {
    switch value {
    case .void: 1
    case .bool, .int8, .uint8: 2
    case .int16, .uint16: 3
    case .int32, .uint32, .float: 5
    case .decimal: 6
    case .int64, .uint64, .double, .timestamp: 9
    case .string(let bytes), .bytes(let bytes): 5 + bytes.count
    case .array(let elements): elements.reduce(5) { $0 + size($1) }
    case .table(let table): table.entries.reduce(5) { $0 + size($1) }
    }
  }
}
