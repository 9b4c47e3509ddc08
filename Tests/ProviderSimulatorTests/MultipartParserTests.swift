import Testing

@testable import ProviderSimulator

@Suite(.timeLimit(.minutes(4)))
struct MultipartParserTests {
  private let form =
    "preamble\r\n--B\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n"
    + "--B\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a \\\"b\\\".jsonl\"\r\n"
    + "Content-Type: application/jsonl\r\n\r\n{}\r\n\r\n--A\r\n--\r\n\r\r\n--B  \r\n"
    + "Content-Disposition: form-data; filename=x; name=empty\r\n\r\n\r\n--B--\r\nepilogue"

  private struct Part: Hashable {
    var name: String
    var filename: String?
    var content: [UInt8] = []
  }

  private func parse(_ text: String, chunk: Int, boundary: String = "B") throws(MultipartParser.Failure) -> [Part] {
    var parser = MultipartParser(boundary: boundary)
    var parts: [Part] = []
    let bytes = Array(text.utf8)
    for start in stride(from: 0, to: bytes.count, by: chunk) {
      for event in try parser.append(Array(bytes[start..<min(start + chunk, bytes.count)])) {
        switch event {
        case .part(let name, let filename): parts.append(Part(name: name, filename: filename))
        case .data(let data): parts[parts.count - 1].content += data
        case .endOfPart: break
        }
      }
    }
    try parser.finish()
    return parts
  }

  @Test func everyCutGivesTheSameParts() throws {
    let expected = [
      Part(name: "purpose", content: Array("batch".utf8)),
      Part(name: "file", filename: "a \"b\".jsonl", content: Array("{}\r\n\r\n--A\r\n--\r\n\r".utf8)),
      Part(name: "empty", filename: "x"),
    ]
    for chunk in 1...form.utf8.count { #expect(try parse(form, chunk: chunk) == expected) }
  }

  @Test func whatIsBrokenIsRefused() {
    #expect(throws: MultipartParser.Failure.unfinished) { try parse("", chunk: 1) }
    #expect(throws: MultipartParser.Failure.unfinished) { try parse("--B\r\nContent-Disposition: x", chunk: 3) }
    #expect(throws: MultipartParser.Failure.badBoundary) { try parse("--Bxy\r\n", chunk: 3) }
    #expect(throws: MultipartParser.Failure.noName) { try parse("--B\r\nA: b\r\n\r\nx\r\n--B--", chunk: 3) }
    #expect(throws: MultipartParser.Failure.noName) {
      try parse("--B\r\nContent-Disposition: form-data; name=\"x\r\n\r\nx\r\n--B--", chunk: 9)
    }
    let long = "--B\r\nA: " + String(repeating: "x", count: MultipartParser.maximumHeaderBytes)
    #expect(throws: MultipartParser.Failure.headersTooLong) { try parse(long, chunk: 1000) }
  }

  @Test func boundaries() {
    #expect(MultipartParser.boundary(contentType: "multipart/form-data; boundary=abc") == "abc")
    #expect(MultipartParser.boundary(contentType: "Multipart/Form-Data; charset=x; Boundary=\"a b\"") == "a b")
    #expect(MultipartParser.boundary(contentType: "multipart/form-data") == nil)
    #expect(MultipartParser.boundary(contentType: "application/json; boundary=abc") == nil)
  }
}
