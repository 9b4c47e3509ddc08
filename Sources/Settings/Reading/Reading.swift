import Yams

/// One pass over file, environment and defaults, which collects every problem instead of stopping at the first.
final class Reading {
  typealias Problem = SettingsError.Problem

  let environment: [String: String]
  let fileName: String
  let readFile: (String) throws -> [UInt8]
  private(set) var problems: [Problem] = []
  /// The keys that each override variable stands for.
  private(set) var overrides: [String: [String]] = [:]
  var looked: Set<String> = []
  private var unknown: [(path: String, key: String, line: Int?, siblings: [String])] = []
  private var seen: [String: Scalar] = [:]
  private var knownPaths: [String] = []

  init(environment: [String: String], fileName: String, readFile: @escaping (String) throws -> [UInt8]) {
    self.environment = environment
    self.fileName = fileName
    self.readFile = readFile
  }

  func fileOrigin(_ line: Int?) -> Problem.Origin { .file(name: fileName, line: line) }

  /// The variable that overrides a key.
  static func override(for path: String) -> String {
    let name = path.unicodeScalars.map { scalar in
      scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil) ? scalar : "_"
    }
    return "MILLRACE_" + String(String.UnicodeScalarView(name)).uppercased()
  }

  func know(_ path: String) -> String {
    let variable = Self.override(for: path)
    if overrides[variable]?.contains(path) != true {
      overrides[variable, default: []].append(path)
      knownPaths.append(path)
    }
    return variable
  }

  func remember(_ scalar: Scalar, for path: String) {
    seen[path] = scalar
  }

  /// The value that a key was read from, if any was given.
  func scalar(for path: String) -> Scalar? { seen[path] }

  func add(_ problem: Problem) {
    problems.append(problem)
  }

  func fail(_ path: String, _ scalar: Scalar, _ message: String) {
    add(Problem(key: path, value: scalar.shown, origin: scalar.origin, message: message))
  }

  /// A problem that lies in how a key relates to others; it is shown with the value that was read for it.
  func fail(_ path: String, _ message: String) {
    let scalar = seen[path]
    add(Problem(key: path, value: scalar?.shown, origin: scalar?.origin ?? .defaults, message: message))
  }

  /// A problem with a key that has no usable value, unless the value itself was already found wanting.
  func failIfSilent(_ path: String, _ message: String) {
    if problems.contains(where: { $0.key == path }) { return }
    let origin = seen[path]?.origin
    add(Problem(key: path, value: seen[path]?.shown, origin: origin, message: message))
  }

  /// Runs `body` and takes back the problems it reported: the caller decides whether they matter.
  func setAside<Value>(_ body: () -> Value) -> (Value, [Problem]) {
    let before = problems.count
    let value = body()
    defer { problems.removeSubrange(before...) }
    return (value, Array(problems[before...]))
  }

  func unknownKey(_ key: String, under path: String, line: Int?, siblings: [String]) {
    unknown.append((path, key, line, siblings))
  }

  /// Interpolates a text of the file or of the defaults.
  func expand(_ raw: String, path: String, secrecy: Scalar.Secrecy, origin: Problem.Origin) -> Scalar? {
    let shown = Scalar.shown(raw, secrecy)
    do {
      let text = try Interpolation.expand(raw, environment, looked: &looked)
      return Scalar(text: text, shown: shown, origin: origin)
    } catch {
      add(Problem(key: path, value: shown, origin: origin, message: Self.explain(error, path: path, secrecy: secrecy)))
      return nil
    }
  }

  private static func explain(_ failure: Interpolation.Failure, path: String, secrecy: Scalar.Secrecy) -> String {
    switch failure {
    case .missing(let variable) where secrecy == .secret && path.hasSuffix(".api_key"):
      return "the environment variable \(variable) is not set; set it, or write the key to a file and name that file"
        + " in \(path)_file or \(override(for: path))_FILE"
    case .missing(let variable):
      return "the environment variable \(variable) is not set; set it, or write ${\(variable):-default}"
    case .malformed:
      return "a \"${\" that is not ${NAME} or ${NAME:-default}; write $${ for the characters themselves"
    }
  }

  /// Adds what can be said only when all keys are known, and gives all problems in a useful order.
  func finish() -> [Problem] {
    for item in unknown { add(unknownProblem(item)) }
    checkEnvironment()
    let ranked = problems.enumerated().map { (group: $1.rank.group, line: $1.rank.line, offset: $0, problem: $1) }
    return ranked.sorted { ($0.group, $0.line, $0.offset) < ($1.group, $1.line, $1.offset) }.map(\.problem)
  }

  private func unknownProblem(
    _ item: (path: String, key: String, line: Int?, siblings: [String])
  ) -> Problem {
    let path = item.path.isEmpty ? item.key : item.path + "." + item.key
    var message = "unknown key"
    if let near = Spelling.nearest(to: item.key, among: item.siblings) {
      message += "; did you mean \(near)?"
    } else if let elsewhere = knownPaths.first(where: { $0.hasSuffix("." + item.key) }) {
      message += "; did you mean \(elsewhere)?"
    } else {
      message += "; allowed here: " + item.siblings.joined(separator: ", ")
    }
    return Problem(key: path, origin: fileOrigin(item.line), message: message)
  }

  private func checkEnvironment() {
    for (variable, value) in environment.sorted(by: { $0.key < $1.key }) where variable.hasPrefix("MILLRACE_") {
      if let paths = overrides[variable] {
        guard paths.count > 1 else { continue }
        add(
          Problem(
            key: variable, origin: .environment(variable: variable),
            message: "stands for \(paths.joined(separator: " and ")); set these in the file"))
      } else if !looked.contains(variable), !ReservedVariables.contain(variable, value: value) {
        let near = Spelling.nearest(to: variable, among: overrides.keys)
        add(
          Problem(
            key: variable, origin: .environment(variable: variable),
            message: "stands for no key" + (near.map { "; did you mean \($0)?" } ?? "")))
      }
    }
  }
}

extension SettingsError.Problem {
  fileprivate var rank: (group: Int, line: Int) {
    switch origin {
    case .file(_, let line): (0, line ?? 0)
    case .environment: (1, 0)
    case .defaults, nil: (2, 0)
    }
  }
}
