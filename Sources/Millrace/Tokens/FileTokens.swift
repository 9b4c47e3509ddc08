import BatchCore
import Glibc
import Tokenizer
import Wire
import Worker

/// Counts files and the lines of files for `millrace tokens`.
struct FileTokens {
  struct Failed: Error, CustomStringConvertible {
    var description: String
  }

  private let model: String?
  private let encoding: TokenEncoding?
  private let printsIDs: Bool
  /// A text is held as a whole.
  private static let largestText = 1 << 30

  init(model: String?, encoding: TokenEncoding?, ids: Bool) {
    self.model = model
    self.encoding = encoding
    printsIDs = ids
  }

  /// What a person should know of the numbers.
  var note: String? {
    guard let model, !ModelTokens.of(model).isExact else { return nil }
    let rule = ModelTokens.of(model)
    return
      "\(model): its tokenizer is not public, so these are estimates: \(rule.ratio) times its \(rule.encoding.rawValue) tokens"
  }

  // MARK: Texts

  /// What is printed of a file that is one text.
  func line(of path: String) throws(Failed) -> String { describe(try Self.read(path)) }

  private func describe(_ text: [UInt8]) -> String {
    let rule = model.map { ModelTokens.of($0) }
    let encoding = BytePairEncoding(encoding ?? rule?.encoding ?? .o200kBase)
    return text.withUnsafeBufferPointer { text in
      if printsIDs { return "[" + encoding.ids(text).lazy.map(String.init).joined(separator: ",") + "]" }
      return "\(Int((Double(encoding.count(text)) * (rule?.ratio ?? 1)).rounded(.up)))"
    }
  }

  private static func read(_ path: String) throws(Failed) -> [UInt8] {
    let descriptor = path == "-" ? dup(0) : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Failed(description: "\(path): \(String(cString: strerror(errno)))") }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    while true {
      var status = 0
      let chunk = [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, count in
        repeat { status = Glibc.read(descriptor, buffer.baseAddress, buffer.count) } while status < 0 && errno == EINTR
        count = max(0, status)
      }
      if status < 0 { throw Failed(description: "\(path): \(String(cString: strerror(errno)))") }
      if chunk.isEmpty { return bytes }
      guard bytes.count + chunk.count <= largestText else {
        throw Failed(
          description:
            "\(path): has more than \(largestText) bytes, the most that is counted as one text; split it, or "
            + "give --jsonl if it has a text a line")
      }
      bytes += chunk
    }
  }

  // MARK: Lines

  /// Calls back with what is printed of each line that is not blank.
  func forEachLine<Failure: Error>(
    of path: String, _ body: (String) throws(Failure) -> Void
  ) throws {
    var file = try LineFile(path: path)
    var number = 0
    while let lines = try file.next() {
      for line in lines {
        number += 1
        try body(try describe(line: line, "\(path), line \(number) of those that are not blank"))
      }
    }
  }

  private func describe(line: [UInt8], _ place: String) throws(Failed) -> String {
    let slice: JSONSlice
    do { slice = try JSONSlice.parse(line) } catch { throw Failed(description: "\(place): is no valid JSON: \(error)") }
    if let text = slice.string ?? slice["text"]?.string { return describe(Array(text.utf8)) }
    let body = slice["body"].flatMap { $0.kind == .object ? $0 : nil } ?? slice
    guard let endpoint = Self.endpoint(of: body, url: slice["url"]?.string) else {
      throw Failed(
        description: "\(place): is no text and no request; allowed are a string, an object with text, or a body")
    }
    if printsIDs { throw Failed(description: "\(place): is a request, of which --ids prints nothing; leave --ids out") }
    let prompt = PromptReader.read(body, endpoint: endpoint)
    let model = model ?? body["model"]?.string ?? ""
    return "\(PromptCounter().count(prompt, model: model, encoding: encoding).estimate)"
  }

  private static func endpoint(of body: JSONSlice, url: String?) -> Endpoint? {
    if let named = url.flatMap({ Endpoint(path: $0) }) { return named }
    if body["messages"] != nil { return .chatCompletions }
    guard let input = body["input"] else { return nil }
    let isList = input.kind == .array && input.elements.allSatisfy { $0.kind != .object }
    return isList || body["model"]?.string?.contains("embed") ?? false ? .embeddings : .responses
  }
}
