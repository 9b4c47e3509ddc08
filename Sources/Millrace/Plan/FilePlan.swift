import BatchCore
import Settings
import Wire
import Worker

/// What a file of requests comes to before it is sent: pure, a line at a time.
struct FilePlan: Sendable {
  /// What requests of one model come to.
  struct Line: Sendable, Equatable {
    var requests = 0
    var inputTokens: Int64 = 0
    /// Expected ones.
    var outputTokens: Int64 = 0
    /// Pico-USD; nil once a price is not known.
    var interactive: Int128? = 0
    var deferred: Int128? = 0
    /// The most that it can cost, called.
    var ceiling: Int128? = 0
  }

  /// What earlier answers of a model were like.
  struct Answers: Hashable, Sendable {
    /// Of one answer, on average.
    var outputTokens: Double
    /// Reported input over what it was estimated at.
    var inputRatio: Double

    /// An estimate is never believed to be further off.
    fileprivate static let ratios = 0.25...4.0
  }

  struct Key: Hashable, Sendable {
    var provider: String
    var model: String
  }

  private(set) var lines: [Key: Line] = [:]
  private(set) var bytes = 0
  /// What cannot be sent: how many lines of it, and of each reason the first line and what is wrong.
  private(set) var unusable = 0
  private(set) var problems: [(line: Int, failure: Failure)] = []
  private var seen = 0

  private let decoder: RequestDecoder
  private let models: Settings.ModelTable
  private let catalog: ModelCatalog
  private let tokens: any TokenCounting
  private let answers: [Key: Answers]
  /// What an answer is taken for where nothing tells.
  static let assumedOutput = 256.0
  private static let mostProblems = 10

  init(_ settings: MillraceSettings, tokens: any TokenCounting, answers: [Key: Answers]) {
    decoder = RequestDecoder(options: settings.decoding)
    models = settings.models
    catalog = settings.modelCatalog
    self.tokens = tokens
    self.answers = answers
  }

  var requests: Int { lines.values.reduce(0) { $0 + $1.requests } }

  /// Whether an answer's length is only assumed.
  func isAssumed(_ key: Key) -> Bool { answers[key] == nil }

  mutating func add(_ line: [UInt8], at now: Timestamp) {
    seen += 1
    let delivery = Delivery(
      token: DeliveryToken(generation: 0, tag: 0), exchange: [], routingKey: [], redelivered: false,
      properties: MessageProperties(), body: line)
    switch decoder.decode(delivery, queueLane: .deferred, receivedAt: now) {
    case .request(let request): add(request)
    case .cancel: note(Failure(.invalidRequest, "is no request"))
    case .poison(let poison): note(poison.failure)
    }
  }

  private mutating func note(_ failure: Failure) {
    unusable += 1
    let isKnown = problems.contains { $0.failure.code == failure.code }
    if problems.count < Self.mostProblems, !isKnown { problems.append((seen, failure)) }
  }

  private mutating func add(_ request: DecodedRequest) {
    guard let route = models.routes(for: request.model).first else {
      return note(Failure(.unknownModel, "no model named \(request.model) is configured"))
    }
    let key = Key(provider: route.provider, model: route.model)
    let facts = catalog.facts(of: route.model, at: route.provider)
    let counted = tokens.count(request.prompt, model: route.model)
    if let context = facts?.contextTokens, counted.least > context {
      return note(
        Failure(
          .contextLengthExceeded,
          "the request has \(counted.least) tokens of text, and \(request.model) takes at most \(context); shorten it"))
    }
    let ratio = answers[key].map { min(max($0.inputRatio, Answers.ratios.lowerBound), Answers.ratios.upperBound) } ?? 1
    let input = Int64((Double(counted.estimate) * ratio).rounded())
    let most = OutputBound.tokens(
      endpoint: request.endpoint, limit: request.maximumOutputTokens.map(Int64.init), choices: request.choices,
      modelLimit: facts?.outputTokens)
    let expected = (answers[key]?.outputTokens ?? Self.assumedOutput) * Double(max(1, request.choices))
    let output = request.endpoint == .embeddings ? 0 : min(most, Int64(min(expected, 1e12).rounded()))
    let usage = Usage(inputTokens: input, outputTokens: output)
    var line = lines[key] ?? Line()
    line.requests += 1
    line.inputTokens += input
    line.outputTokens += output
    Self.add(facts?.price?.cost(of: usage, basis: .list), to: &line.interactive)
    Self.add(facts?.price?.cost(of: usage, basis: .batch), to: &line.deferred)
    Self.add(facts?.price?.ceiling(inputTokens: input, outputTokens: most, basis: .list), to: &line.ceiling)
    lines[key] = line
    bytes += request.body.bytes.count
  }

  private static func add(_ cost: PicoUSD?, to sum: inout Int128?) {
    if let cost, let known = sum { sum = known + Int128(cost.value) } else { sum = nil }
  }

  /// Of all models; a sum is nil where a price is missing in it, since unknown is not zero.
  var total: Line {
    lines.values.reduce(into: Line()) { total, line in
      total.requests += line.requests
      total.inputTokens += line.inputTokens
      total.outputTokens += line.outputTokens
      total.interactive = Self.sum(total.interactive, line.interactive)
      total.deferred = Self.sum(total.deferred, line.deferred)
      total.ceiling = Self.sum(total.ceiling, line.ceiling)
    }
  }

  private static func sum(_ left: Int128?, _ right: Int128?) -> Int128? {
    if let left, let right { left + right } else { nil }
  }
}
