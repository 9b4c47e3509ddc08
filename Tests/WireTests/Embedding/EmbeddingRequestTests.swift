import BatchCore
import Testing
import Wire

@Suite(.timeLimit(.minutes(4)))
struct EmbeddingRequestTests {
  static func body(_ text: String, model: String = #""m""#) -> RequestBody {
    let bytes = Array(text.utf8)
    let start = bytes.firstRange(of: Array(model.utf8))?.lowerBound ?? 0
    return RequestBody(bytes: bytes, modelRange: start..<start + model.utf8.count)
  }

  @Test(arguments: [
    (#"{"model":"m","input":"a"}"#, EmbeddingRequest.Kind.texts, 1),
    (#"{"model":"m","input":["a", "\u0000b\"]"]}"#, .texts, 2),
    (#"{"in\u0070ut":"a","model":"m"}"#, .texts, 1),
    (#"{"model":"m","input":[1,2,3]}"#, .tokens, 1),
    (#"{"model":"m","input":[[1],[2, 3]]}"#, .tokens, 2),
  ])
  func documentedInputsAreCounted(text: String, kind: EmbeddingRequest.Kind, inputs: Int) throws {
    let request = try #require(EmbeddingRequest(Self.body(text)))
    #expect(request.kind == kind && request.inputs == inputs)
  }

  @Test(arguments: [
    "", "{", "[]", #"{"model":"m"}"#, #"{"model":"m","input":""}"#, #"{"model":"m","input":[]}"#,
    #"{"model":"m","input":["a",""]}"#, #"{"model":"m","input":["a",[1]]}"#, #"{"model":"m","input":[1,"a"]}"#,
    #"{"model":"m","input":[[1],[]]}"#, #"{"model":"m","input":[1.5]}"#, #"{"model":"m","input":[-1]}"#,
    #"{"model":"m","input":[[[1]]]}"#, #"{"model":"m","input":null}"#, #"{"model":"m","input":{"a":1}}"#,
    #"{"model":"m","input":"a","input":"b"}"#, #"{"input":{"model":"m"}}"#, #"{"input":["m"]}"#,
  ])
  func anythingElseIsLeftAlone(text: String) {
    #expect(EmbeddingRequest(Self.body(text)) == nil)
  }

  @Test(arguments: [
    #"{"model":"m","input":"b","dimensions":9}"#, #"{"model":"m","input":"b","user":"u"}"#,
    #"{"input":"b","model":"m"}"#,
    #"{"model":"m", "input":"b"}"#, #"{"model":"m","input":[1]}"#, #"{"model":"m","input":"b"} "#,
  ])
  func whatAsksForSomethingElseHasAnotherFrame(text: String) throws {
    let first = try #require(EmbeddingRequest(Self.body(#"{"model":"m","input":"a"}"#)))
    let other = try #require(EmbeddingRequest(Self.body(text)))
    #expect((first.frame == other.frame) == text.hasSuffix(" "))
    let alias = try #require(EmbeddingRequest(Self.body(#"{"model":"alias","input":["c"]}"#, model: #""alias""#)))
    #expect(first.frame == alias.frame)
    #expect(first.order(of: "a") == alias.order(of: "a") && first.order(of: "a") > 0)
    #expect(first.order(of: "a") != first.order(of: "b"))
  }

  @Test func aLongerVectorTakesMoreOfAnAnswer() throws {
    let texts = [#""dimensions":1,"#, "", #""dimensions":0,"#, #""dimensions":9223372036854775807,"#].map {
      #"{"model":"m",\#($0)"input":"a"}"#
    }
    let bytes = try texts.map { try #require(EmbeddingRequest(Self.body($0))).bytesEach }
    #expect(bytes[0] < bytes[1] && bytes[1] < bytes[3] && bytes[2] == bytes[0])
  }

  static func merge(_ requests: [EmbeddingRequest]) throws -> RequestBody {
    var merge = EmbeddingMerge(try #require(requests.first))
    for request in requests.dropFirst() {
      let isAdded = merge.add(request)
      #expect(isAdded)
    }
    #expect(merge.count == requests.count)
    return merge.body
  }

  @Test func oneWithAnotherFrameIsNotMerged() throws {
    let bodies = [#"{"model":"m","input":"a"}"#, #"{"model":"m","input":"b","dimensions":8}"#].map { Self.body($0) }
    let requests = try bodies.map { try #require(EmbeddingRequest($0)) }
    var merge = EmbeddingMerge(requests[0])
    let isAdded = merge.add(requests[1])
    #expect(!isAdded && merge.count == 1)
    #expect(String(decoding: merge.body.bytes, as: UTF8.self) == #"{"model":"m","input":["a"]}"#)
  }

  @Test func oneRequestHasTheInputsOfAllByteForByte() throws {
    let parts = [
      #"["a","b\u00e9" , "\ud83d\ude00"]"#, #""single \\""#, #"[ "ü" ]"#,
    ]
    for frame in [#"{"model":"m","input":@,"dimensions":8}"#, #"{ "input" : @ , "user":"u","model":"m"}"#] {
      let requests = try parts.map { part in
        try #require(EmbeddingRequest(Self.body(frame.replacing("@", with: part))))
      }
      let merged = try Self.merge(requests)
      let list = #"["a","b\u00e9" , "\ud83d\ude00","single \\","ü"]"#
      #expect(String(decoding: merged.bytes, as: UTF8.self) == frame.replacing("@", with: list))
      #expect(Array(merged.bytes[merged.modelRange]) == Array(#""m""#.utf8))
      let size = requests[0].mergedFrameBytes + requests.reduce(0) { $0 + $1.listBytes } + requests.count - 1
      #expect(merged.bytes.count == size)
      let read = try #require(EmbeddingRequest(merged))
      #expect(read.inputs == 5 && read.frame == requests[0].frame)
    }
    let tokens = try [#"{"model":"m","input":[1, 2]}"#, #"{"model":"m","input":[[3],[4]]}"#].map {
      try #require(EmbeddingRequest(Self.body($0)))
    }
    let merged = try Self.merge(tokens)
    #expect(String(decoding: merged.bytes, as: UTF8.self) == #"{"model":"m","input":[[1, 2],[3],[4]]}"#)
  }
}
