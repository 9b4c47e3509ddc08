import Testing

@testable import AMQP

@Suite("Broker URLs", .timeLimit(.minutes(4)))
struct BrokerURLTests {
  @Test func takesAllParts() throws {
    let url = try BrokerURL("amqps://al%C3%A4n:p%40ss%2F%FFx@mq.example:5999/my%2Fhost")
    #expect(url.secure)
    #expect(url.user == "alän")
    #expect(url.password == Password(bytes: Array("p@ss/".utf8) + [0xFF] + Array("x".utf8)))
    #expect(url.endpoint == .init(host: "mq.example", port: 5999))
    #expect(url.virtualHost == "my/host")
  }

  @Test(arguments: [
    ("amqp://h", "/"), ("amqp://h/", ""), ("amqp://h/%2f", "/"), ("amqp://h/%2F", "/"), ("amqp://h/team", "team"),
    ("amqp://h/%C3%A4", "ä"),
  ])
  func virtualHost(text: String, expected: String) throws {
    #expect(try BrokerURL(text).virtualHost == expected)
  }

  @Test(
    arguments: [
      ("amqp://h", "h", 5672), ("amqps://h", "h", 5671), ("AMQP://h:1", "h", 1), ("amqp://[::1]", "::1", 5672),
      ("amqp://u:p@[fe80::1%25eth0]:7/v", "fe80::1%eth0", 7), ("amqp://10.0.0.1:65535", "10.0.0.1", 65535),
    ] as [(String, String, UInt16)])
  func endpoint(text: String, host: String, port: UInt16) throws {
    #expect(try BrokerURL(text).endpoint == .init(host: host, port: port))
  }

  @Test func defaultsToGuest() throws {
    let url = try BrokerURL("amqp://h")
    #expect(url.user == "guest")
    #expect(url.password == Password("guest"))
    #expect(try BrokerURL("amqp://u@h").password == Password(""))
    #expect(try BrokerURL("amqp://u:@h").password == Password(""))
  }

  @Test(arguments: [
    ("http://h", "amqp://"), ("amqp://", "no host"), ("amqp://:5672", "no host"), ("amqp://h:", "port"),
    ("amqp://h:0", "port"), ("amqp://h:65536", "port"), ("amqp://h:12a", "port"), ("amqp://::1", "brackets"),
    ("amqp://[::1", "']'"), ("amqp://[::1]x", "':port'"), ("amqp://[h]", "IPv6"), ("amqp://h/a/b", "%2F"),
    ("amqp://h?heartbeat=1", "query"), ("amqp://h/v#f", "fragment"), ("amqp://u:s3cret%zz@h", "%25"),
    ("amqp://u:s3cret%2@h", "%25"), ("amqp://u:s3c/ret@h", "%2F"), ("amqp://u:s3c@ret@h", "%40"),
    ("amqp://u:s3c:ret@h", "%3A"), ("amqp://u:s3cret%00@h", "zero byte"), ("amqp://:s3cret@h", "user name"),
    ("amqp://u:s3 cret@h", "%20"), ("amqp://u:s3cret@h/%FF", "UTF-8"), ("amqp://u:s3cret", "port"), ("", "amqp://"),
  ])
  func refusesWithoutThePassword(text: String, mention: String) {
    #expect {
      try BrokerURL(text)
    } throws: { error in
      let text = "\(error)"
      return text.contains(mention) && !text.contains("s3") && !text.contains("ret") && !text.contains("\n")
    }
  }

  @Test func severalNodes() throws {
    let configuration = try ConnectionConfiguration(urls: ["amqps://u:p@a/v", "amqps://u:p@b:99/v"])
    #expect(configuration.endpoints.map(\.description) == ["a:5671", "b:99"])
    #expect(configuration.tls?.verify == true)
    #expect(throws: AMQPError.self) { try ConnectionConfiguration(urls: []) }
    for other in ["amqp://u:p@b/v", "amqps://x:p@b/v", "amqps://u:s3cret@b/v", "amqps://u:p@b/w"] {
      #expect {
        try ConnectionConfiguration(urls: ["amqps://u:p@a/v", other])
      } throws: { "\($0)".contains("broker URL 2 has another") && !"\($0)".contains("s3cret") }
    }
  }

  @Test func passwordIsNeverShown() throws {
    let configuration = try ConnectionConfiguration(urls: ["amqp://u:s3cret@a"])
    var dumped = ""
    dump(configuration, to: &dumped)
    for text in ["\(configuration)", dumped, String(reflecting: configuration), "\(configuration.password)"] {
      #expect(!text.contains("s3cret") && !text.contains("115"))
    }
  }
}
