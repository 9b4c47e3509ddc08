/// Why the configuration cannot be used: every problem in it, so that one look mends all of them.
public struct SettingsError: Error, Sendable, Equatable, CustomStringConvertible {
  /// In the order of the file, then the environment, then the defaults.
  public let problems: [Problem]

  public init(problems: [Problem]) {
    self.problems = problems
  }

  /// One line for each problem.
  public var description: String {
    problems.map(\.description).joined(separator: "\n")
  }

  /// One key that cannot be used, and why. Secrets are already taken out of it.
  public struct Problem: Sendable, Equatable, CustomStringConvertible {
    /// Where a value came from.
    public enum Origin: Sendable, Equatable {
      case file(name: String, line: Int?)
      case environment(variable: String)
      case defaults
    }

    /// The path of the key with dots, such as `batching.deferred.idle_ms`.
    public var key: String
    /// The value as far as it may be shown.
    public var value: String?
    public var origin: Origin?
    /// What is wrong and what is allowed.
    public var message: String

    public init(key: String, value: String? = nil, origin: Origin? = nil, message: String) {
      self.key = key
      self.value = value
      self.origin = origin
      self.message = message
    }

    public var description: String {
      var line = "config: " + key.escapedForOneLine
      if let value { line += " = \"\(value.escapedForOneLine)\"" }
      switch origin {
      case .file(let name, let number?): line += " (\(name.escapedForOneLine):\(number))"
      case .file(let name, nil): line += " (\(name.escapedForOneLine))"
      case .environment(let variable): line += " (environment \(variable.escapedForOneLine))"
      case .defaults: line += " (default)"
      case nil: break
      }
      return line + ": " + message
    }
  }
}

extension String {
  /// The text on one line, without control characters, and cut after 120 characters.
  var escapedForOneLine: String {
    var out = ""
    for scalar in unicodeScalars.prefix(120) {
      let isControl =
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || [0x2028, 0x2029].contains(scalar.value)
      switch scalar {
      case "\n": out += "\\n"
      case "\t": out += "\\t"
      case "\"": out += "\\\""
      default:
        if isControl { out += "\\u{\(String(scalar.value, radix: 16))}" } else { out.unicodeScalars.append(scalar) }
      }
    }
    return unicodeScalars.count > 120 ? out + "..." : out
  }
}
