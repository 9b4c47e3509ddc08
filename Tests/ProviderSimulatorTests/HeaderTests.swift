import HTTPTypes
import Hummingbird
import Testing

@testable import ProviderSimulator

@Suite(.timeLimit(.minutes(4)))
struct HeaderTests {
  private let levels = RateLimiter.Levels(
    requests: .init(limit: 60, remaining: 59, resetMilliseconds: 1500),
    tokens: .init(limit: 150_000, remaining: 149_984, resetMilliseconds: 360_000),
    outputTokens: .init(limit: 9000, remaining: 1499, resetMilliseconds: 7660))

  private func headers(_ style: HeaderStyle, now: Int = 0) -> [String: String] {
    var fields = HTTPFields()
    LimitHeaders(style: style, now: now).add(levels, to: &fields)
    return Dictionary(uniqueKeysWithValues: fields.map { ($0.name.canonicalName, $0.value) })
  }

  @Test func goDurations() {
    #expect(
      headers(.openai) == [
        "x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "1.5s", "x-ratelimit-limit-tokens": "150000",
        "x-ratelimit-remaining-tokens": "149984", "x-ratelimit-reset-tokens": "6m0s",
        "x-ratelimit-limit-output-tokens": "9000", "x-ratelimit-remaining-output-tokens": "1499",
        "x-ratelimit-reset-output-tokens": "7.66s",
      ])
  }

  @Test func plainSeconds() {
    let headers = headers(.seconds)
    #expect(headers["x-ratelimit-reset-requests"] == "1.5")
    #expect(headers["x-ratelimit-reset-tokens"] == "360")
    #expect(headers["x-ratelimit-reset-output-tokens"] == "7.66")
    #expect(self.headers(.none).isEmpty)
    #expect(LimitHeaders.seconds(1) == "0.001")
  }

  @Test func moments() {
    let headers = headers(.anthropic, now: 1_790_000_000_000)
    #expect(headers["anthropic-ratelimit-requests-remaining"] == "59")
    #expect(headers["anthropic-ratelimit-requests-reset"] == "2026-09-21T14:13:22Z")
    #expect(headers["anthropic-ratelimit-tokens-remaining"] == "150000")
    #expect(headers["anthropic-ratelimit-tokens-reset"] == "2026-09-21T14:19:20Z")
    #expect(headers["anthropic-ratelimit-output-tokens-remaining"] == "1000")
    #expect(headers.count == 9)
  }

  @Test(arguments: [
    (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
    (1_709_210_096, "Thu, 29 Feb 2024 12:34:56 GMT"),
  ])
  func dates(second: Int, expected: String) {
    #expect(HTTPDate.text(second: second) == expected)
  }

  @Test(
    arguments: [
      (RetryAfterStyle.seconds, "2", nil, 2000 as Int?), (.date, "Thu, 01 Jan 1970 00:00:02 GMT", nil, 1900),
      (.ms, nil, "1200", 1200), (.both, "2", "1200", 1200), (.none, nil, nil, nil),
    ] as [(RetryAfterStyle, String?, String?, Int?)])
  func waits(style: RetryAfterStyle, header: String?, milliseconds: String?, wait: Int?) {
    let error = APIError.transient(429, retryAfterMilliseconds: 1200)
    let response = Reply.error(error, style: style, now: 100)
    #expect(response.headers[.retryAfter] == header)
    #expect(response.headers[.retryAfterMilliseconds] == milliseconds)
    #expect(style.moment(wait: 1200, now: 100) == wait.map { $0 + 100 })
  }
}
