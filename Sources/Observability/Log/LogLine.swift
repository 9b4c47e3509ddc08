import Logging

/// One event on its way to becoming bytes.
struct LogLine {
  /// The longest line in bytes; beyond it the remaining metadata is left out.
  static let longest = 65_536

  var time: WallTime
  var level: Logger.Level
  var label: String
  var message: String
  var error: String?
  var metadata: Logger.Metadata = [:]

  /// The line with its line break.
  func bytes(_ form: LineLogHandler.Form, _ redactor: Redactor) -> [UInt8] {
    switch form {
    case .json: json(redactor)
    case .text: text(redactor)
    }
  }

  private func json(_ redactor: Redactor) -> [UInt8] {
    var line: [UInt8] = []
    line.reserveCapacity(256)
    line += "{\"time\":\"".utf8
    LogText.append(time, to: &line)
    line += "\",\"level\":\"\(level.rawValue)\"".utf8
    func member(_ name: String, _ value: String, _ isNumber: Bool = false) {
      line += ",\"".utf8
      LogText.append(redactor.redact(name), to: &line, limit: 256)
      line += "\":".utf8
      if isNumber {
        line += value.utf8
      } else {
        line.append(UInt8(ascii: "\""))
        LogText.append(redactor.redact(value), to: &line)
        line.append(UInt8(ascii: "\""))
      }
    }
    member("label", label)
    member("message", message)
    if let error { member("error", error) }
    // A reader keeps only one of two members with one name, so metadata may not take these.
    let taken: Set<String> = ["time", "level", "label", "message", "truncated", error == nil ? "" : "error"]
    for field in fields() {
      if line.count > Self.longest {
        line += ",\"truncated\":true".utf8
        break
      }
      member(taken.contains(field.name) ? "metadata." + field.name : field.name, field.value, field.isNumber)
    }
    line += "}\n".utf8
    return line
  }

  private func text(_ redactor: Redactor) -> [UInt8] {
    var line: [UInt8] = []
    LogText.appendClock(time, to: &line)
    let name = level.rawValue.uppercased()
    line += " \(name)\(String(repeating: " ", count: max(1, 9 - name.utf8.count)))".utf8
    LogText.append(redactor.redact(label), to: &line)
    line += ": ".utf8
    LogText.append(redactor.redact(message), to: &line)
    let error = error.map { [Field(name: "error", value: $0)] } ?? []
    for field in error + fields() {
      if line.count > Self.longest {
        line += " (truncated)".utf8
        break
      }
      line.append(UInt8(ascii: " "))
      LogText.append(redactor.redact(field.name), to: &line, limit: 256)
      line.append(UInt8(ascii: "="))
      let isWord = !field.value.isEmpty && !field.value.utf8.contains { $0 <= 0x20 || $0 == UInt8(ascii: "\"") }
      if !isWord { line.append(UInt8(ascii: "\"")) }
      LogText.append(redactor.redact(field.value), to: &line)
      if !isWord { line.append(UInt8(ascii: "\"")) }
    }
    line.append(UInt8(ascii: "\n"))
    return line
  }

  private struct Field {
    var name: String
    var value: String
    var isNumber = false
  }

  /// The metadata without nesting, by name: `a: {b: 1}` becomes `a.b`, list elements become `a.0`, `a.1`.
  private func fields() -> [Field] {
    var out: [Field] = []
    func add(_ name: String, _ value: Logger.MetadataValue, depth: Int) {
      // Deeper nesting would only be a mistake, and recursion has to end.
      if depth == 8 {
        out.append(Field(name: name, value: value.description))
        return
      }
      switch value {
      case .string(let text): out.append(Field(name: name, value: text))
      case .stringConvertible(let value):
        let isNumber = value is any FixedWidthInteger || value is Bool || (value as? Double)?.isFinite == true
        out.append(Field(name: name, value: value.description, isNumber: isNumber))
      case .dictionary(let members):
        for (key, value) in members { add("\(name).\(key)", value, depth: depth + 1) }
      case .array(let elements):
        for (index, value) in elements.enumerated() { add("\(name).\(index)", value, depth: depth + 1) }
      }
    }
    for (key, value) in metadata { add(key, value, depth: 0) }
    return out.sorted { $0.name < $1.name }
  }
}
