import BatchCore
import Wire

/// What the input file of a batch holds: where each row is, or what is wrong with it.
struct BatchInput: Sendable {
  struct Row: Sendable {
    var offset: Int
    var length: Int
  }

  private(set) var rows: [Row] = []
  private(set) var model: String?
  private(set) var inputTokens = 0
  private(set) var problems: [BatchRecord.Problem] = []
  /// Prompts with the marker `expire`, and for how many attempts.
  private(set) var expiring: [(promptHash: UInt64, times: Int)] = []
  private(set) var slowMilliseconds = 0

  /// How many problems are told; the rest of the file is then not read.
  static let mostProblems = 100
  static let mostEmbeddingInputs = 50_000
  private let endpoint: Endpoint
  private let path: String
  private let maximumRows: Int
  /// What the create named, where rows name nothing but themselves.
  private let job: Job?
  private let counting: TokenCounting
  private var lines = 0
  private var embeddingInputs = 0
  private var customIDs: Set<String> = []

  /// What Mistral's rows do not say, since the job does.
  struct Job: Sendable {
    var model: String
    /// Whether a row's body must not name a model.
    var refusesModels: Bool
  }

  /// - Parameters:
  ///   - path: The endpoint as the create spelled it.
  ///   - model: What the create named, where rows name none.
  init(
    endpoint: Endpoint, path: String, maximumRows: Int, model: String? = nil, job: Job? = nil, counting: TokenCounting
  ) {
    self.job = job
    self.counting = counting
    self.endpoint = endpoint
    self.model = model
    self.path = path
    self.maximumRows = maximumRows
  }

  var wantsMore: Bool { problems.count < Self.mostProblems && lines <= maximumRows }

  mutating func add(_ line: LineReader.Line) {
    guard wantsMore else { return }
    lines += 1
    if lines > maximumRows {
      problems = []
      problem(
        "too_many_tasks", "The batch has more than \(maximumRows) requests; split it into smaller ones.", onLine: false)
      return
    }
    guard !line.isTooLong, let row = try? JSONSlice.parse(line.bytes), row.kind == .object else {
      return problem("invalid_json_line", "This line is not parseable as valid JSON.")
    }
    check(row)
    rows.append(Row(offset: line.offset, length: line.bytes.count))
  }

  /// The last checks, when all lines have been added.
  mutating func finish() {
    customIDs = []
    if lines == 0 { problem("empty_file", "The input file is empty.", onLine: false) }
    if embeddingInputs > Self.mostEmbeddingInputs {
      problem(
        "too_many_tasks", "The batch has more than \(Self.mostEmbeddingInputs) embedding inputs.", onLine: false)
    }
  }

  private mutating func check(_ row: JSONSlice) {
    let isGemini = endpoint == .generateContent
    let fields = RowFields(row, isGemini: isGemini)
    if let customID = fields.customID?.string, !customID.isEmpty {
      if !customIDs.insert(customID).inserted {
        problem("duplicate_custom_id", "The custom_id '\(customID)' is used more than once.", "custom_id")
      }
    } else {
      problem("missing_required_parameter", "Missing required parameter: 'custom_id'.", "custom_id")
    }
    if let job { return check(fields, of: job) }
    if !isGemini, fields.method?.string != "POST" {
      problem("invalid_method", "The method of a request must be POST.", "method")
    }
    if !isGemini, fields.url?.string != path {
      problem("url_mismatch", "The url of the request is not the batch's endpoint \(path).", "url")
    }
    guard let body = fields.body, body.kind == .object else {
      return problem("missing_required_parameter", "Missing required parameter: 'body'.", "body")
    }
    // Each row of Anthropic's is judged for itself, when it is run.
    if isGemini { return count(body, model: model ?? "") }
    if endpoint == .messages { return count(body, model: body["model"]?.string ?? "") }
    guard let name = body["model"]?.string, !name.isEmpty else {
      return problem("missing_required_parameter", "Missing required parameter: 'model'.", "body.model")
    }
    if name.hasPrefix("missing-") {
      return problem(
        "model_not_found", "The model '\(name)' does not exist or cannot be used in batches.", "body.model")
    }
    if let model, model != name {
      return problem(
        "model_mismatch", "All requests of a batch must use one model: '\(model)' and '\(name)'.", "body.model")
    }
    count(body, model: name)
  }

  private mutating func check(_ fields: RowFields, of job: Job) {
    if fields.method != nil || fields.url != nil {
      problem("extra_forbidden", "A line of a job has a custom_id and a body, and nothing else.")
    }
    guard let body = fields.body, body.kind == .object else {
      return problem("missing", "A line of a job has a body.")
    }
    if job.refusesModels, body["model"] != nil {
      problem("extra_forbidden", "The model is named by the job, and not by its lines.")
    }
    // What else is wrong is told for each row when it is run.
    count(body, model: job.model)
  }

  private mutating func count(_ body: JSONSlice, model name: String) {
    model = name
    // What else is wrong with the body is told for each row when it is run.
    let named = endpoint == .generateContent ? name : job?.model
    guard
      let request = try? ModelRequest(
        endpoint: endpoint, body: body, deployment: named, digests: false, counting: counting)
    else {
      return
    }
    inputTokens += request.inputTokens
    embeddingInputs += request.embedding.inputs.count
    slowMilliseconds = max(slowMilliseconds, request.directives.slowMilliseconds)
    if request.directives.expires > 0,
      let full = try? ModelRequest(endpoint: endpoint, body: body, deployment: named, counting: .bytes)
    {
      expiring.append((full.promptHash, request.directives.expires))
    }
  }

  private mutating func problem(_ code: String, _ message: String, _ param: String? = nil, onLine: Bool = true) {
    problems.append(
      BatchRecord.Problem(code: code, message: message, param: param, line: onLine ? lines : nil))
  }
}
