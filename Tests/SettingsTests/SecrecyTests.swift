import Settings
import Testing

@Suite("Secrecy", .timeLimit(.minutes(4)))
struct SecrecyTests {
  private let secrets = ["sk-secret-key", "pw-secret", "token-secret", "ledger-secret", "proxy-secret", "hook-secret"]

  private func settings() throws -> MillraceSettings {
    try load(
      """
      amqp: {url: "amqps://user:pw-secret@host/v"}
      ledger: {url: "postgres://m:ledger-secret@db/m?sslpassword=hook-secret"}
      providers:
        openai: {kind: openai, api_key: sk-secret-key, proxy: "http://u:proxy-secret@proxy:3128"}
      execution: {webhook_url: "https://hooks/x?t=hook-secret"}
      admin: {token: token-secret}
      """)
  }

  @Test("no text form of the settings shows a secret")
  func texts() throws {
    let settings = try settings()
    var dumped = ""
    dump(settings, to: &dumped)
    for text in [
      settings.redactedDescription, "\(settings)", String(reflecting: settings), String(describing: settings.providers),
      dumped,
      "\(Optional(settings.admin.token) as Any)", "\(Mirror(reflecting: settings.admin.token).children.count)",
    ] {
      #expect(!text.isEmpty)
      for secret in secrets { #expect(!text.contains(secret), "\(secret)") }
    }
    #expect(settings.redactedDescription.contains("amqps://user:***@host/v"))
    #expect(settings.redactedDescription.contains("token: \"***\""))
  }

  @Test("the secrets are listed for a redacting writer")
  func listed() throws {
    #expect(
      Set(try settings().secrets) == ["sk-secret-key", "pw-secret", "token-secret", "ledger-secret", "proxy-secret"])
  }

  @Test(
    "no error shows one",
    arguments: [
      "amqp: {url: \"amqp:/user:pw-secret@host/v\"}", "amqp: {url: \"user:pw-secret@host\"}",
      "amqp: {url: \"http://user:pw-sec/ret@pw-secret@host/v\"}",
      "ledger: {url: \"mysql://m:ledger-secret@db/m?p=hook-secret\"}",
      "admin: {token: \"token-secret x\"}", "admin: {token: [token-secret]}", "apikey: sk-secret-key",
      "providers: {openai: {kind: openai, api_key: {a: sk-secret-key}}}", "api_key: 'sk-secret-key",
      "a: b: sk-secret-key",
      "execution: {max_attempts: \"${OPENAI_API_KEY}\"}", "observability: {log_level: \"${OPENAI_API_KEY}\"}",
      "providers: {openai: {kind: openai, api_key: \"${X:-sk-secret-key} y\"}}",
    ])
  func errors(_ yaml: String) {
    let text = problems(yaml, ["OPENAI_API_KEY": "sk-secret-key"]).joined(separator: "\n")
    for secret in secrets { #expect(!text.contains(secret), "\(text)") }
  }

  @Test("errors stay on one line whatever the value holds")
  func oneLine() {
    let lines = problems("tenancy: {source: \"a\\nb\\e[31m\\u2028\"}")
    #expect(lines.count == 1)
    #expect(lines[0].contains("a\\nb\\u{1b}[31m\\u{2028}"))
    #expect(lines[0].unicodeScalars.allSatisfy { $0.value >= 0x20 })
  }

  @Test("addresses")
  func addresses() {
    #expect(ListenAddress(parsing: "[::1]:80")?.isLoopback == true)
    #expect(ListenAddress(parsing: "127.9.9.9:80")?.isLoopback == true)
    #expect(ListenAddress(parsing: "localhost:80")?.isLoopback == true)
    #expect(ListenAddress(parsing: "127.evil.example.com:80")?.isLoopback == false)
    #expect(ListenAddress(parsing: "0.0.0.0:80")?.isLoopback == false)
    #expect(ListenAddress(parsing: "[::]:80")?.description == "[::]:80")
    for text in ["", ":80", "a:", "a:b", "a:+1", "a b:1", "a:65536", "a/b:1"] {
      #expect(ListenAddress(parsing: text) == nil)
    }
  }
}
