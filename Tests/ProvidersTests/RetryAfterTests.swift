import BatchCore
import Testing

@testable import Providers

@Suite(.timeLimit(.minutes(4)))
struct RetryAfterTests {
  private func parse(_ headers: HTTPExchange.Header...) -> Duration? {
    RetryAfter.parse(HTTPExchange.Response(status: 429, headers: headers), now: testNow)
  }

  @Test func nothingSaidIsNothing() {
    #expect(parse() == nil)
    #expect(parse(("x-ratelimit-remaining-requests", "0")) == nil)
  }

  @Test func millisecondsComeFirst() {
    #expect(parse(("Retry-After", "9"), ("Retry-After-Ms", " 1500.2 ")) == .milliseconds(1501))
    #expect(parse(("retry-after", "9"), ("retry-after-ms", "soon")) == .seconds(9))
  }

  @Test(arguments: [
    ("20", Int64(20_000)), ("0.25", 250), ("0", 0), (" 3\t", 3000), ("1e2", 100_000), ("1e300", 2_592_000_000),
  ])
  func secondsMayBeFractions(value: String, milliseconds: Int64) {
    #expect(parse(("retry-after", value)) == .milliseconds(milliseconds))
  }

  @Test(arguments: ["-1", "nan", "inf", "-inf", "", "soon", "Mon, 99 Foo 2026 14:05:09 GMT", "٣"])
  func nonsenseIsUnreadable(value: String) {
    #expect(parse(("retry-after", value)) == .unreadableRetryAfter)
    #expect(parse(("retry-after-ms", value)) == .unreadableRetryAfter)
    #expect(parse(("retry-after", value), ("x-ratelimit-reset-requests", "1s")) == .unreadableRetryAfter)
    #expect(parse(("retry-after", "7"), ("retry-after-ms", value)) == .seconds(7))
  }

  @Test func datesGoByTheProvidersClock() {
    // testNow is 2026-09-21 14:13:20.
    #expect(parse(("retry-after", "Mon, 21 Sep 2026 14:13:50 GMT")) == .seconds(30))
    #expect(
      parse(("retry-after", "Mon, 21 Sep 2026 14:13:50 GMT"), ("date", "Mon, 21 Sep 2026 14:13:45 GMT")) == .seconds(5))
    #expect(parse(("retry-after", "Mon, 21 Sep 2026 14:00:00 GMT")) == .zero)
  }

  @Test func resetsComeLast() {
    #expect(parse(("x-ratelimit-reset-requests", "6m0s")) == .seconds(360))
    #expect(parse(("retry-after", "1"), ("x-ratelimit-reset-requests", "6m0s")) == .seconds(1))
    #expect(
      parse(("x-ratelimit-reset-requests", "6m0s"), ("x-ratelimit-reset-tokens", "250ms")) == .milliseconds(250))
    #expect(
      parse(
        ("x-ratelimit-reset-requests", "6m0s"), ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-tokens", "250ms"), ("x-ratelimit-remaining-tokens", "149984")) == .seconds(360))
  }

  @Test(arguments: [
    ("1s", 1000.0), ("6m0s", 360_000), ("20ms", 20), ("1m3.2s", 63_200), ("1h2m3s4ms", 3_723_004), ("0s", 0),
    ("12.345ms", 12.345), ("3", 3000),
  ])
  func durationsOfGo(text: String, milliseconds: Double) throws {
    let parsed = try #require(RetryAfter.goDuration(text))
    #expect(abs(parsed - milliseconds) < 0.001)
  }

  @Test(arguments: ["", "s", "1x", "1.2.3s", "m1", "1s ", "-5s", "1s2"])
  func notDurationsOfGo(text: String) {
    #expect(RetryAfter.goDuration(text) == nil)
  }

  @Test func shouldRetry() {
    func parse(_ value: String?) -> Bool? {
      RetryAfter.shouldRetry(
        HTTPExchange.Response(status: 500, headers: value.map { [("X-Should-Retry", $0)] } ?? []))
    }
    #expect(parse("true") == true)
    #expect(parse(" False") == false)
    #expect(parse("perhaps") == nil)
    #expect(parse(nil) == nil)
  }
}

@Suite(.timeLimit(.minutes(4)))
struct ProviderTimeTests {
  @Test(arguments: [
    ("1790000000", Int64(1_790_000_000_000)), ("1790000000.25", 1_790_000_000_250),
    ("1790000000123", 1_790_000_000_123),
    (#""1790000000""#, 1_790_000_000_000), (#""2026-09-21T14:13:20Z""#, 1_790_000_000_000),
    (#""2026-09-21T14:13:20.123456Z""#, 1_790_000_000_123), (#""2026-09-21T16:13:20+02:00""#, 1_790_000_000_000),
    (#""2026-09-21 09:13:20.5-05:00""#, 1_790_000_000_500), (#""2026-09-21T14:13:20""#, 1_790_000_000_000),
    (#""2026-09-21""#, 1_789_948_800_000), (#""1970-01-01""#, 0), (#""2000-02-29""#, 951_782_400_000),
    (#""2024-12-31T23:59:60Z""#, 1_735_689_600_000), ("1", 1000), ("0", 0),
  ])
  func formsThatProvidersUse(json: String, milliseconds: Int64) throws {
    let value = try #require(try slice(json))
    #expect(ProviderTime.timestamp(value) == Timestamp(milliseconds: milliseconds))
  }

  @Test(arguments: [
    "null", "true", "-5", "1e30", "{}", #""""#, #""soon""#, #""2026-13-01""#, #""2026-09-21T25:00:00Z""#, #""nan""#,
    #""2026-09-21T14:13:20+2""#, #""2026-09-21T14:13:20Zulu""#, #""1969-12-31""#, "99999999999999999999",
  ])
  func nonsense(json: String) throws {
    let value = try #require(try slice(json))
    #expect(ProviderTime.timestamp(value) == nil)
  }

  @Test(arguments: [
    ("Sun, 06 Nov 1994 08:49:37 GMT", Int64(784_111_777_000)), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
  ])
  func datesOfHTTP(text: String, milliseconds: Int64) {
    #expect(ProviderTime.httpDate(text) == Timestamp(milliseconds: milliseconds))
  }

  @Test(arguments: [
    "", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 PST", "Sun, 06 Nov 99999999999999999999 08:49:37 GMT",
  ])
  func notDatesOfHTTP(text: String) {
    #expect(ProviderTime.httpDate(text) == nil)
  }
}
