import Wire

extension Traffic.State {
  /// The calls by the second, where `nil` stands for every key or model.
  func timeline(key: String?, model: String?) -> Timeline {
    if key == nil && model == nil { return timeline }
    return accounts.lazy.filter { (key == nil || $0.key.key == key) && (model == nil || $0.key.model == model) }
      .compactMap(\.value.timeline).reduce(Timeline()) { $0.merged(with: $1) }
  }

  /// Writes the members `traffic`, `early` and `outage`.
  func write(into writer: inout JSONWriter) {
    writer.key("traffic")
    writer.beginObject()
    writer.key("accounts")
    writer.beginArray()
    for (key, account) in accounts.sorted(by: { ($0.key.key, $0.key.model ?? "") < ($1.key.key, $1.key.model ?? "") }) {
      writer.beginObject()
      writer.field("key", key.key)
      writer.key("model")
      writer.string(orNull: key.model)
      account.count.write(into: &writer)
      writer.field("in_flight", account.inFlight)
      writer.field("most_in_flight", account.mostInFlight)
      writer.field("tokens", account.tokens)
      writer.endObject()
    }
    writer.endArray()
    writer.key("kinds")
    writer.beginArray()
    for (key, count) in kinds.sorted(by: { $0.key < $1.key }) {
      writer.beginObject()
      key.write(into: &writer)
      count.write(into: &writer)
      writer.endObject()
    }
    writer.endArray()
    writer.key("agents")
    writer.beginArray()
    for (agent, count) in agents.sorted(by: { $0.key < $1.key }) {
      writer.beginObject()
      writer.key("agent")
      writer.string(orNull: agent.isEmpty ? nil : agent)
      count.write(into: &writer)
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
    writeEarly(into: &writer)
    writeOutage(into: &writer)
  }

  private func writeEarly(into writer: inout JSONWriter) {
    writer.key("early")
    writer.beginObject()
    writer.field("count", early.values.reduce(0) { $0 + $1.count })
    writer.field("worst_ms", early.values.map(\.worst).max() ?? 0)
    writer.key("by")
    writer.beginArray()
    for (key, count) in early.sorted(by: { $0.key < $1.key }) {
      writer.beginObject()
      key.write(into: &writer)
      writer.field("count", count.count)
      writer.field("worst_ms", count.worst)
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
  }

  private func writeOutage(into writer: inout JSONWriter) {
    writer.key("outage")
    writer.beginObject()
    writer.field("calls", outageCalls.values.reduce(0, +))
    writer.key("by")
    writer.beginArray()
    for (key, calls) in outageCalls.sorted(by: { $0.key < $1.key }) {
      writer.beginObject()
      key.write(into: &writer)
      writer.field("calls", calls)
      writer.endObject()
    }
    writer.endArray()
    writer.key("seconds")
    writer.beginArray()
    for second in outageSeconds.seconds {
      writer.beginObject()
      writer.field("second", second.second)
      writer.field("calls", second.refused)
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
  }
}

extension Traffic.KindKey: Comparable {
  static func < (left: Traffic.KindKey, right: Traffic.KindKey) -> Bool {
    (left.key, left.kind.rawValue) < (right.key, right.kind.rawValue)
  }

  /// Writes the members of an object.
  fileprivate func write(into writer: inout JSONWriter) {
    writer.field("key", key)
    writer.field("kind", kind.rawValue)
  }
}
