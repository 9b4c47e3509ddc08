import AdminServer
import BatchCore
import Ledger
import Testing

@testable import Millrace

@Suite("Costs", .timeLimit(.minutes(4)))
struct CostTests {
  private static let now = Timestamp(milliseconds: 1_700_000_000_000)  // 2023-11-14, day 19675

  @Test("days and dimensions are read")
  func request() throws {
    let query = try CostRequest.read(by: nil, since: nil, until: nil, limit: nil, now: Self.now)
    #expect(query == CostQuery(dimensions: [.tenant, .model], days: 19669...19675, limit: 1000))
    let other = try CostRequest.read(
      by: "lane,cost_center,lane", since: "2023-11-01", until: "2023-11-02", limit: "5", now: Self.now)
    #expect(other == CostQuery(dimensions: [.lane, .costCenter], days: 19662...19663, limit: 5))
    #expect(CostRequest.text(ofDay: 19675) == "2023-11-14")
  }

  @Test(
    "what is wrong is named",
    arguments: [
      ("colour", nil, nil, nil, "by=colour"), (nil, "0d", nil, nil, "since=0d"), (nil, "yesterday", nil, nil, "since="),
      (nil, nil, "2023-13-01", nil, "until="), (nil, "2023-11-15", nil, nil, "since is after until"),
      (nil, nil, nil, "0", "limit=0"), (nil, nil, nil, "x", "limit=x"),
    ] as [(String?, String?, String?, String?, String)])
  func problems(by: String?, since: String?, until: String?, limit: String?, text: String) {
    #expect {
      _ = try CostRequest.read(by: by, since: since, until: until, limit: limit, now: Self.now)
    } throws: { error in
      (error as? CostRequest.Problem)?.message.hasPrefix(text) ?? false
    }
  }

  private static var answer: [UInt8] {
    var sums = CostSums()
    sums.attempts = 3
    sums.inputTokens = 1000
    sums.cost = 2_400_000_000_001
    sums.listCost = 4_800_000_000_002
    sums.fullCost = 5_000_000_000_000
    sums.unknown = 1
    sums.held = 7
    let query = CostQuery(dimensions: [.tenant, .day], days: 19669...19675, limit: 1)
    let lines = ["=acme,\"x\"", "b"].map { CostReport.Line(values: [$0, "19675"], sums: sums) }
    return CostDesk.answer(query, CostReport(lines, limit: 1)).body
  }

  @Test("money keeps every digit in JSON and in CSV")
  func exact() throws {
    let text = String(decoding: Self.answer, as: UTF8.self)
    #expect(text.contains(#""usd":"2.400000000001""#))
    #expect(text.contains(#""saved_by_batches_usd":"2.400000000001""#))
    #expect(text.contains(#""saved_by_cache_usd":"0.199999999998""#))
    #expect(text.contains(#""unknown_held_usd":"0.000000000007""#))
    #expect(text.contains(#""day":"2023-11-14""#))
    let csv = try #require(CostTable.csv(Self.answer))
    #expect(csv.count == 2)
    #expect(csv[0].hasPrefix("tenant,day,attempts,"))
    #expect(csv[1].hasPrefix("\"'=acme,\"\"x\"\"\",2023-11-14,3,0,0,1000,"))
  }

  @Test(
    "commas, quotes and line breaks are quoted by scalars",
    arguments: [
      ("acme,\u{301}", "\"acme,\u{301}\""), ("a\"\u{301}", "\"a\"\"\u{301}\""), ("=\u{338}1", "'=\u{338}1"),
      ("a\r\nb", "\"a\r\nb\""), ("plain", "plain"),
    ])
  func csv(tag: String, cell: String) throws {
    var sums = CostSums()
    sums.attempts = 1
    let query = CostQuery(dimensions: [.tenant], days: 0...1, limit: 1)
    let answer = CostDesk.answer(query, CostReport([CostReport.Line(values: [tag], sums: sums)], limit: 1)).body
    let line = try #require(CostTable.csv(answer)?.last)
    #expect(Array(line.utf8).starts(with: Array((cell + ",1,").utf8)), "\(line)")
  }

  @Test("what has no price is not shown as for nothing")
  func unpriced() throws {
    var sums = CostSums()
    (sums.attempts, sums.unpriced) = (2, 2)
    let query = CostQuery(dimensions: [.tenant], days: 0...1, limit: 1)
    let answer = CostDesk.answer(query, CostReport([CostReport.Line(values: ["a"], sums: sums)], limit: 1)).body
    let lines = try #require(CostTable.lines(answer))
    #expect(!lines[1].replacing("0.000000", with: "", maxReplacements: 1).contains("0.000000"), "\(lines[1])")
  }

  @Test("people see a total and what is not certain")
  func table() throws {
    let lines = try #require(CostTable.lines(Self.answer))
    #expect(lines[0].hasPrefix("TENANT"))
    #expect(lines[1].contains("2.400000") && lines[1].contains("51 %"))
    #expect(lines[2].hasPrefix("TOTAL") && lines[2].contains("4.800000"))
    #expect(lines.contains { $0.contains("2 attempts may have been paid") })
    #expect(lines.contains { $0.hasPrefix("1 more lines") })
    #expect(CostTable.lines(Array("{}".utf8)) == nil)
  }

  @Test(arguments: ["0", "1", "-0.5", "0.000000000001", "123456789.12", "9223373"])
  func dollarsReadBack(text: String) {
    #expect(DollarText.pico(text).map(DollarText.exact) == text)
  }
}
