import Yams

/// Turns the bytes of the file into nodes.
enum ConfigurationFile {
  static func parse(_ path: String, _ readFile: (String) throws -> [UInt8]) throws(SettingsError) -> Node? {
    let bytes: [UInt8]
    do {
      bytes = try readFile(path)
    } catch {
      throw problem(path, nil, "cannot be read: \(error)")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw problem(path, nil, "is not UTF-8 text") }
    do {
      // Only the default resolver; values are read as text and converted here.
      return try Parser(yaml: text).singleRoot()
    } catch let error as YamlError {
      throw explain(error, path)
    } catch {
      throw problem(path, nil, "is not YAML")
    }
  }

  /// The parser's own description quotes the file, which may hold secrets; its reason and its line do not.
  private static func explain(_ error: YamlError, _ path: String) -> SettingsError {
    switch error {
    case .scanner(_, let text, let mark, _), .parser(_, let text, let mark, _), .composer(_, let text, let mark, _):
      problem(path, mark.line, "is not YAML: \(text)")
    case .reader(let text, _, _, _):
      problem(path, nil, "is not YAML: \(text)")
    case .duplicatedKeysInMapping(let keys, let context):
      problem(
        path, context.mark.line,
        "holds a key twice: \(keys.map(\.escapedForOneLine).joined(separator: ", ")); remove one of them")
    default:
      problem(path, nil, "is not YAML")
    }
  }

  private static func problem(_ path: String, _ line: Int?, _ message: String) -> SettingsError {
    SettingsError(problems: [.init(key: "the file", origin: .file(name: path, line: line), message: message)])
  }
}
