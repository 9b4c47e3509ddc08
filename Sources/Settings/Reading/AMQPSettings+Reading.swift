extension AMQPSettings {
  /// Reads the keys under `amqp`.
  init(reading amqp: Section) {
    self.init()
    urls = Self.urls(amqp)
    tls = amqp.section("tls") { TLS(reading: $0) }
    heartbeat = amqp.duration("heartbeat", heartbeat, .seconds(1)...(.seconds(600)))
    declare = amqp.flag("declare", declare)
    queueType = amqp.choice("queue_type", queueType)
    // The last delivery but one is the one that is answered, so a limit of 1 would leave none to work on.
    deliveryLimit = amqp.whole("delivery_limit", deliveryLimit, 2...1_000_000)
    poison = amqp.choice("poison", poison)
    amqp.section("prefetch") {
      prefetch.interactive = $0.whole("interactive", prefetch.interactive, 1...65_535)
      prefetch.deferred = $0.whole("deferred", prefetch.deferred, 1...65_535)
    }
    maxMessageBytes = amqp.bytes("max_message_bytes", maxMessageBytes, 1024...536_870_912)
    maxReplyBytes = amqp.bytes("max_reply_bytes", maxReplyBytes, 1024...536_870_912)
    maxUnackedBytes = amqp.bytes("max_unacked_bytes", maxUnackedBytes, 1024...68_719_476_736)
    if maxUnackedBytes < maxMessageBytes {
      amqp.reading.fail(
        amqp.full("max_unacked_bytes"), "below amqp.max_message_bytes; allowed: at least \(maxMessageBytes)")
    }
    names = Names(reading: amqp)
    // The broker refuses a message TTL of more than 2^32 - 1 milliseconds, which are 49 days.
    unclaimedTTL = amqp.duration("unclaimed_ttl", unclaimedTTL, .seconds(1)...(.seconds(49 * 86_400)))
    unclaimedMaxBytes = amqp.bytes("unclaimed_max_bytes", unclaimedMaxBytes, 1024...1_099_511_627_776)
  }

  private static func urls(_ amqp: Section) -> [ConnectionURL] {
    let values = amqp.scalars("url", default: "${AMQP_URL:-amqp://guest:guest@127.0.0.1:5672/%2f}", .url) ?? []
    let urls = values.compactMap { amqp.checkedURL($0, key: "url", schemes: ["amqp", "amqps"]) }
    if values.isEmpty { amqp.reading.failIfSilent(amqp.full("url"), "names no broker; allowed: one URL or a list") }
    if Set(urls.map(\.scheme)).count > 1 {
      amqp.reading.fail(amqp.full("url"), "mixes amqp:// and amqps://; all nodes have to be reached the same way")
    }
    return urls
  }
}

extension AMQPSettings.TLS {
  fileprivate init(reading tls: Section) {
    self.init()
    caFile = tls.text("ca_file", "")
    certFile = tls.text("cert_file", "")
    keyFile = tls.text("key_file", "")
    verify = tls.flag("verify", true)
    if certFile.isEmpty != keyFile.isEmpty {
      let (given, missing) = certFile.isEmpty ? ("key_file", "cert_file") : ("cert_file", "key_file")
      tls.reading.fail(tls.full(given), "is set without \(tls.full(missing)); set both or neither")
    }
  }
}

extension AMQPSettings.Names {
  fileprivate init(reading amqp: Section) {
    self.init()
    let exchanges: [(String, WritableKeyPath<Self, String>)] = [
      ("requests_exchange", \.requestsExchange), ("other_exchange", \.otherExchange),
      ("results_exchange", \.resultsExchange), ("unclaimed_exchange", \.unclaimedExchange),
      ("dead_letter_exchange", \.deadLetterExchange),
    ]
    let queues: [(String, WritableKeyPath<Self, String>)] = [
      ("interactive_queue", \.interactiveQueue), ("deferred_queue", \.deferredQueue),
      ("unclaimed_queue", \.unclaimedQueue), ("dead_letter_queue", \.deadLetterQueue),
    ]
    // Exchanges and queues have separate name spaces; only within one of them a name may not come twice.
    for group in [exchanges, queues] {
      var taken: [String: String] = [:]
      for (key, property) in group {
        let name = amqp.text(key, self[keyPath: property], problem: Self.problem)
        self[keyPath: property] = name
        if let other = taken[name] {
          amqp.reading.fail(amqp.full(key), "is also the name in \(amqp.full(other)); give each its own")
        }
        taken[name] = key
      }
    }
  }

  private static func problem(_ name: String) -> String? {
    let fits =
      (1...255).contains(name.utf8.count) && name.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
    if fits && !name.hasPrefix("amq.") { return nil }
    return "not a usable name; allowed: 1 to 255 bytes that do not begin with amq."
  }
}
