import BatchCore
import Testing

@testable import Providers

/// The forms in which batches tell their times, at each provider: a server that speaks like one may write like another.
@Suite(.timeLimit(.minutes(4)))
struct TimestampFormTests {
  private func batch(_ api: RecordedAPI, created: String) -> String {
    switch api {
    case .openAI, .azure, .mistral:
      #"{"id":"b","status":"running","created_at":\#(created),"expires_at":\#(created)}"#
    case .anthropic:
      #"{"id":"b","processing_status":"in_progress","created_at":\#(created),"expires_at":\#(created)}"#
    case .gemini: #"{"name":"batches/b","metadata":{"state":"BATCH_STATE_RUNNING","createTime":\#(created)}}"#
    }
  }

  @Test(
    arguments: [
      // Seconds, also as a text and with a fraction.
      ("1790000000", 1_790_000_000_000), (#""1790000000""#, 1_790_000_000_000), ("1790000000.5", 1_790_000_000_500),
      // Milliseconds are above 1e11.
      ("1790000000123", 1_790_000_000_123), ("100000000000", 100_000_000_000_000), ("100000000001", 100_000_000_001),
      // RFC 3339 with as many digits and as much of a zone as there are servers.
      (#""2026-09-21T14:13:20Z""#, 1_790_000_000_000), (#""2026-09-21T14:13:20.123456+00:00""#, 1_790_000_000_123),
      (#""2026-09-21T14:13:20.123456789Z""#, 1_790_000_000_123), (#""2026-09-21T14:13:20.5""#, 1_790_000_000_500),
      (#""2026-09-21T16:13:20+02:00""#, 1_790_000_000_000),
      // A bare date.
      (#""2026-09-21""#, 1_789_948_800_000),
      // No time.
      ("null", nil), (#"{"seconds":1790000000}"#, nil), (#""""#, nil), (#""yesterday""#, nil),
    ] as [(String, Int64?)])
  func forms(_ text: String, _ milliseconds: Int64?) throws {
    let wanted = milliseconds.map { Timestamp(milliseconds: $0) }
    for api in [RecordedAPI.openAI, .azure, .anthropic, .gemini, .mistral] {
      let found = try #require(try api.snapshot(batch(api, created: text)))
      #expect(found.state == .running)
      #expect(found.createdAt == wanted, "\(api)")
      if case .gemini = api { continue }
      #expect(found.expiresAt == wanted, "\(api)")
    }
  }
}
