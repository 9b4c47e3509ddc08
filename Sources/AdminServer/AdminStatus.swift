/// What the endpoints report: the process's view of itself.
public protocol AdminStatus: Sendable {
  /// Whether the process is worth keeping. False has it restarted, so it is for states that nothing else ends.
  func live() -> Bool

  /// Whether work is taken, and what it waits for otherwise.
  func readiness() async -> Readiness

  /// Every metric in Prometheus' text format.
  func metrics() async -> [UInt8]
}

/// The answer to a readiness probe.
public struct Readiness: Sendable, Equatable {
  /// One thing that readiness depends on.
  public struct Check: Sendable, Equatable {
    public var name: String
    public var isOK: Bool
    /// What is the case or what is waited for; without secrets, as probes are open to everybody.
    public var detail: String

    public init(name: String, isOK: Bool, detail: String = "") {
      self.name = name
      self.isOK = isOK
      self.detail = detail
    }
  }

  public var isReady: Bool
  public var checks: [Check]

  public init(isReady: Bool, checks: [Check]) {
    self.isReady = isReady
    self.checks = checks
  }

  /// Ready when every check is.
  public init(checks: [Check]) {
    self.init(isReady: checks.allSatisfy(\.isOK), checks: checks)
  }

  /// `{"ready":false,"checks":[{"name":"broker","ok":false,"detail":"connecting"}]}`
  var json: String {
    let checks = checks.map { check in
      let detail = check.detail.isEmpty ? "" : ",\"detail\":\(Self.quoted(check.detail))"
      return "{\"name\":\(Self.quoted(check.name)),\"ok\":\(check.isOK)\(detail)}"
    }
    return "{\"ready\":\(isReady),\"checks\":[\(checks.joined(separator: ","))]}\n"
  }

  private static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }
}
