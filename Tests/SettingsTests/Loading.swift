import Settings
import Testing

struct NoSuchFile: Error, CustomStringConvertible {
  let description = "there is no such file"
}

let key = ["OPENAI_API_KEY": "sk-test-0001"]

/// Loads a configuration whose file is `yaml`; other files come from `files`.
func load(
  _ yaml: String?, _ environment: [String: String] = key, files: [String: String] = [:]
) throws(SettingsError) -> MillraceSettings {
  try MillraceSettings.load(path: yaml == nil ? nil : "millrace.yaml", environment: environment) { path in
    if let yaml, path == "millrace.yaml" { return Array(yaml.utf8) }
    guard let text = files[path] else { throw NoSuchFile() }
    return Array(text.utf8)
  }
}

/// The lines of the error that loading ends in.
func problems(
  _ yaml: String?, _ environment: [String: String] = key, files: [String: String] = [:],
  _ location: SourceLocation = #_sourceLocation
) -> [String] {
  do {
    _ = try load(yaml, environment, files: files)
    Issue.record("the configuration was accepted", sourceLocation: location)
    return []
  } catch {
    return error.description.split(separator: "\n").map(String.init)
  }
}
