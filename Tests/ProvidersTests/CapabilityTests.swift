import BatchCore
import Foundation
import Testing

@testable import Providers

@Suite struct CapabilityTests {
  private static let begin = "<!-- capabilities: written by CapabilityTests with MILLRACE_WRITE_README=1 -->\n"
  private static let end = "<!-- end of capabilities -->"

  /// The table in README is the one of the code.
  @Test func readmeShowsTheTable() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
    let file = folder.deletingLastPathComponent().deletingLastPathComponent().appending(path: "README.md")
    var text = try String(contentsOf: file, encoding: .utf8)
    let start = try #require(text.firstRange(of: Self.begin)).upperBound
    let stop = try #require(text[start...].firstRange(of: Self.end)).lowerBound
    if ProcessInfo.processInfo.environment["MILLRACE_WRITE_README"] == "1" {
      text.replaceSubrange(start..<stop, with: CapabilityTable.markdown)
      try text.write(to: file, atomically: true, encoding: .utf8)
    } else {
      #expect(
        text[start..<stop] == CapabilityTable.markdown,
        "README is stale: MILLRACE_WRITE_README=1 swift test --filter CapabilityTests writes it")
    }
  }

  @Test(arguments: CapabilityTable.rows.map(\.kind)) func rowsMakeSense(_ kind: String) throws {
    let row = try #require(CapabilityTable.rows.first { $0.kind == kind }).capabilities
    #expect(!row.endpoints.isEmpty && row.translatedEndpoints.isSubset(of: row.endpoints))
    #expect(row.batchEndpoints.isSubset(of: row.endpoints))
    // Custom ids are a label, a request and an attempt.
    #expect(row.longestCustomID >= 19 + 1 + 19 + 1 + 10)
    guard row.batches else {
      #expect(row.batchSearch == nil && !row.cancellable)
      return
    }
    #expect(row.largestBatchRows > 0 && row.largestBatchBytes > 0 && row.largestBatchTokens ?? 1 > 0)
    #expect(row.fencedByInputFile == (row.batchWay == .file))
  }
}
