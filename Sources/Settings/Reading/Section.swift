import Yams

/// One mapping of the file, which knows what was asked of it and so what nobody asked for.
///
/// Keys that the file leaves out are read all the same: the environment may set them.
final class Section {
  let reading: Reading
  let path: String
  private let nodes: [(key: String, line: Int?, value: Node)]
  private var asked: [String] = []

  init(reading: Reading, path: String, node: Node?) {
    self.reading = reading
    self.path = path
    var nodes: [(key: String, line: Int?, value: Node)] = []
    switch node {
    case .mapping(let mapping)?:
      for (key, value) in mapping {
        if let name = key.string {
          nodes.append((name, key.mark?.line, value))
        } else {
          reading.add(
            .init(key: path, origin: reading.fileOrigin(key.mark?.line), message: "holds a key that is no plain text"))
        }
      }
    case let node? where !node.isNothing:
      reading.add(
        .init(
          key: path.isEmpty ? "the file" : path, origin: reading.fileOrigin(node.mark?.line),
          message: "has to hold keys and values"))
    default: break
    }
    self.nodes = nodes
  }

  /// The keys that the file has here, for a table whose keys are names.
  var names: [String] { nodes.map(\.key) }

  func full(_ key: String) -> String { path.isEmpty ? key : path + "." + key }

  private func node(_ key: String) -> Node? {
    if !asked.contains(key) { asked.append(key) }
    return nodes.first { $0.key == key && !$0.value.isNothing }?.value
  }

  /// Whether the file says anything under the key.
  func has(_ key: String) -> Bool { node(key) != nil }

  /// Reads a nested mapping, then reports the keys in it that nobody asked for.
  func section<Value>(_ key: String, _ body: (Section) -> Value) -> Value {
    let section = Section(reading: reading, path: full(key), node: node(key))
    defer { section.finish() }
    return body(section)
  }

  /// Reads a mapping whose keys are names, in the order of the file; nothing where the file has none.
  func entries<Value>(_ key: String, _ body: (String, Section) -> Value) -> [Value]? {
    guard let node = node(key) else { return nil }
    let table = Section(reading: reading, path: full(key), node: node)
    return table.nodes.map { name, _, value in
      let section = Section(reading: reading, path: table.full(name), node: value)
      defer { section.finish() }
      return body(name, section)
    }
  }

  func finish() {
    for (key, line, _) in nodes where !asked.contains(key) {
      reading.unknownKey(key, under: path, line: line, siblings: asked)
    }
  }

  /// The value of a key: environment, else file, else the default text. Nothing where it is not set or was refused.
  func scalar(_ key: String, default fallback: String? = nil, _ secrecy: Scalar.Secrecy = .open) -> Scalar? {
    let values = scalars(key, default: fallback, secrecy, isList: false)
    return values?.first
  }

  /// The values of a key that may be a list. Nothing where it is not set; empty where each value was refused.
  ///
  /// A variable holds a list with commas between the values.
  func scalars(
    _ key: String, default fallback: String? = nil, _ secrecy: Scalar.Secrecy = .open, isList: Bool = true
  ) -> [Scalar]? {
    let path = full(key)
    let variable = reading.know(path)
    let node = node(key)
    let found: [Scalar?]
    if let text = reading.environment[variable] {
      let parts = isList ? text.split(separator: ",").map(\.trimmed).filter { !$0.isEmpty } : [text]
      found = parts.map {
        Scalar(
          text: $0, shown: secrecy == .secret ? "***" : Scalar.shown($0, secrecy),
          origin: .environment(variable: variable))
      }
    } else if let node {
      found = read(node, path: path, secrecy, isList: isList)
    } else if let fallback {
      found = [reading.expand(fallback, path: path, secrecy: secrecy, origin: .defaults)]
    } else {
      return nil
    }
    let values = found.compactMap { $0 }
    if let first = values.first { reading.remember(first, for: path) }
    return values
  }

  private func read(_ node: Node, path: String, _ secrecy: Scalar.Secrecy, isList: Bool) -> [Scalar?] {
    switch node {
    case .scalar(let scalar):
      return [
        reading.expand(scalar.string, path: path, secrecy: secrecy, origin: reading.fileOrigin(scalar.mark?.line))
      ]
    case .sequence(let sequence) where isList:
      return sequence.flatMap { element -> [Scalar?] in
        if case .scalar = element { return read(element, path: path, secrecy, isList: false) }
        reading.add(
          .init(key: path, origin: reading.fileOrigin(element.mark?.line), message: "holds something that is no text"))
        return [nil]
      }
    default:
      let wanted = isList ? "one value or a list of values" : "one value"
      reading.add(.init(key: path, origin: reading.fileOrigin(node.mark?.line), message: "has to be \(wanted)"))
      return [nil]
    }
  }
}

extension Node {
  /// Whether it is YAML's null, which counts as a key that is not there.
  fileprivate var isNothing: Bool {
    guard case .scalar(let scalar) = self, scalar.style == .any || scalar.style == .plain else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
  }
}

extension StringProtocol {
  /// The text without blanks and line breaks at its ends.
  var trimmed: String {
    let start = unicodeScalars.firstIndex { !$0.properties.isWhitespace } ?? endIndex
    let end = unicodeScalars.lastIndex { !$0.properties.isWhitespace }
    return end.map { String(self[start...$0]) } ?? ""
  }
}
