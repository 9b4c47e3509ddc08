import Glibc

/// Decides what goes wrong: by markers in the prompt first, then by chance that is the same in every run.
struct FaultPlan: Sendable {
  enum CallFault: Hashable, Sendable {
    case none
    /// Not accepted, not billed.
    case refused(APIError)
    /// Accepted and billed, never answered.
    case hang
    /// Accepted and billed, the connection ends within the body.
    case cut
  }

  enum RowFault: Hashable, Sendable {
    case none
    /// Run and billed, but without a line.
    case missing
    /// Not billed; a response with a status in the error file.
    case refused(APIError)
    /// Not billed; no response but an error in the error file.
    case failed(code: String, message: String)
  }

  enum CreateFault: Hashable, Sendable {
    case none
    case timeout
    case serverError
    /// The connection ends at once.
    case reset
  }

  let behaviour: Behaviour
  let dice: Dice
  var outages = OutageSchedule()

  func call(_ request: ModelRequest, attempt: Int) -> CallFault {
    let directives = request.directives
    if directives.isRejected { return .refused(.rejectedByMarker) }
    if let failure = directives.failure, attempt < failure.times {
      return .refused(transient(failure.status))
    }
    if attempt < directives.lineErrors { return .refused(transient(500)) }
    if attempt < directives.hangs { return .hang }
    if attempt < directives.cuts { return .cut }
    let hash = request.promptHash
    func hits(_ kind: Dice.Kind, _ rate: Double) -> Bool {
      rate > 0 && dice.roll(kind, content: hash, attempt: attempt) < rate
    }
    if hits(.tooMany, behaviour.fault429) { return .refused(transient(429)) }
    if hits(.serverError, behaviour.fault5xx) {
      let kinds = [500, 502, 503]
      return .refused(transient(kinds[Int(dice.bits(.serverErrorKind, content: hash, attempt: attempt) % 3)]))
    }
    if hits(.hang, behaviour.faultHang) { return .hang }
    if hits(.cut, behaviour.faultCut) { return .cut }
    return .none
  }

  func row(_ request: ModelRequest, attempt: Int) -> RowFault {
    let directives = request.directives
    if directives.isRejected { return .refused(.rejectedByMarker) }
    if let failure = directives.failure, attempt < failure.times { return .refused(.transient(failure.status)) }
    if attempt < directives.lineErrors { return Self.lineError }
    if attempt < directives.missing { return .missing }
    let hash = request.promptHash
    // Without the attempt, since what is definitely wrong with a request stays wrong.
    if behaviour.faultLineReject > 0, dice.roll(.lineReject, content: hash) < behaviour.faultLineReject {
      return .refused(.rejectedByChance)
    }
    if behaviour.faultLineError > 0, dice.roll(.lineError, content: hash, attempt: attempt) < behaviour.faultLineError {
      switch dice.bits(.lineErrorKind, content: hash, attempt: attempt) % 3 {
      case 0: return .refused(.transient(429))
      case 1: return .refused(.transient(500))
      default: return Self.lineError
      }
    }
    if behaviour.faultLineMissing > 0,
      dice.roll(.lineMissing, content: hash, attempt: attempt) < behaviour.faultLineMissing
    {
      return .missing
    }
    return .none
  }

  /// For the batch with this ordinal.
  func create(_ ordinal: Int) -> CreateFault {
    let content = UInt64(ordinal)
    if hits(.createTimeout, behaviour.faultCreateTimeout, content) { return .timeout }
    if hits(.createError, behaviour.faultCreate500AfterAccept, content) { return .serverError }
    if hits(.createReset, behaviour.faultCreateReset, content) { return .reset }
    return .none
  }

  /// Whether the create with this ordinal among the calls is neither accepted nor answered.
  func losesCreate(_ ordinal: Int) -> Bool { hits(.createLost, behaviour.faultCreateLost, UInt64(ordinal)) }

  /// After how many of its rows the batch expires, if it does: between a fifth and four fifths.
  func expiry(_ ordinal: Int, rows: Int) -> Int? {
    guard hits(.expire, behaviour.faultExpire, UInt64(ordinal)) else { return nil }
    return Int(Double(rows) * (0.2 + 0.6 * dice.roll(.expirePoint, content: UInt64(ordinal))))
  }

  func hidesOutput(_ ordinal: Int) -> Bool { hits(.nullOutput, behaviour.faultNullOutput, UInt64(ordinal)) }

  /// Milliseconds that the batch takes longer than usual: seldom much, mostly little; or all or nothing of it.
  func tail(_ ordinal: Int) -> Int {
    let share = dice.roll(.tail, content: UInt64(ordinal))
    if behaviour.batchTailShare > 0 { return share < behaviour.batchTailShare ? behaviour.batchTailMs : 0 }
    return Int(Double(behaviour.batchTailMs) * share * share * share * share)
  }

  /// Microseconds until a synchronous call is answered.
  ///
  /// - Parameter inFlight: Calls of the same key and model that are not answered yet, this one included.
  func latency(_ request: ModelRequest, outputTokens: Int, attempt: Int, inFlight: Int) -> Int {
    let base =
      (behaviour.latencyMs + request.directives.slowMilliseconds) * 1000 + behaviour.latencyPerTokenUs * outputTokens
    var more = Double(base) * behaviour.latencyLoadFactor * Double(max(0, inFlight - 1))
    if behaviour.latencyTailMs > 0 {
      // Exponential, scaled so that one call of a hundred exceeds the tail; none takes three times as long.
      let chance = 1 - dice.roll(.latency, content: request.promptHash, attempt: attempt)
      more += Double(behaviour.latencyTailMs) * 1000 * min(3, -log(chance) / log(100))
    }
    return base + Int(min(more, 3.6e9))
  }

  /// For the call with this ordinal to files or batches.
  func control(_ ordinal: Int) -> APIError? {
    let content = UInt64(ordinal)
    if hits(.controlTooMany, behaviour.faultControl429, content) { return transient(429) }
    if hits(.controlServerError, behaviour.faultControl5xx, content) { return transient(500) }
    return nil
  }

  func cutsDownload(_ ordinal: Int) -> Bool { hits(.controlCut, behaviour.faultControlCut, UInt64(ordinal)) }

  private func hits(_ kind: Dice.Kind, _ rate: Double, _ content: UInt64) -> Bool {
    rate > 0 && dice.roll(kind, content: content) < rate
  }

  private func transient(_ status: Int) -> APIError {
    .transient(status, retryAfterMilliseconds: status == 429 ? behaviour.injectedRetryAfterMs : nil)
  }

  private static let lineError = RowFault.failed(
    code: "server_error", message: "The request could not be run (injected by the simulator).")
}

extension APIError {
  fileprivate static let rejectedByMarker = APIError(
    status: 400, message: "The request was rejected, as its marker asks.", param: "messages", code: "invalid_prompt",
    reason: "injected_400")

  fileprivate static let rejectedByChance = APIError(
    status: 400, message: "The request was rejected (injected by the simulator).", param: "messages",
    code: "invalid_prompt", reason: "injected_400")
}
