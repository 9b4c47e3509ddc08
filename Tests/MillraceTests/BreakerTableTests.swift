import Testing

@testable import Millrace

@Suite struct BreakerTableTests {
  @Test func showsWhatAnOperatorAsks() {
    let text = """
      {"breakers":[
        {"account":"openai https://x/v1 1a2b3c4d","provider":"openai","model":"gpt-4o-mini","state":"open",
         "since":"2026-01-01T00:00:00Z","age_seconds":300,"reason":"unauthorised",
         "next_probe":"2026-01-01T00:10:00Z","next_probe_seconds":90},
        {"account":"a b","provider":null,"model":"","state":"probing","since":null,"age_seconds":null,
         "reason":"failures","next_probe":"2026-01-01T00:10:00Z","next_probe_seconds":60},
        {"account":"a b","provider":null,"model":"m","state":"open","since":null,"age_seconds":0,
         "reason":"billing","next_probe":"2026-01-01T00:10:00Z","next_probe_seconds":0}]}
      """
    #expect(
      BreakerTable.lines(Array(text.utf8)) == [
        "ACCOUNT                       MODEL        STATE    SINCE  REASON        NEXT PROBE",
        "openai https://x/v1 1a2b3c4d  gpt-4o-mini  open     5m     unauthorised  in 90s",
        "a b                           (batches)    probing  -      failures      now",
        "a b                           m            open     0s     billing       due",
      ])
  }

  @Test func saysThatThereIsNone() {
    #expect(BreakerTable.lines(Array(#"{"breakers":[]}"#.utf8)) == ["no breaker is open"])
    for text in ["", "[]", "{}", #"{"breakers":1}"#] { #expect(BreakerTable.lines(Array(text.utf8)) == nil) }
  }
}
