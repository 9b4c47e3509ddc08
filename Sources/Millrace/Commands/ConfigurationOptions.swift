import ArgumentParser
import Glibc
import Settings

/// What every command needs to find its configuration.
struct ConfigurationOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp("The YAML configuration file. Default: $MILLRACE_CONFIG, or none.", valueName: "path"))
  var config: String?

  /// Reads the configuration, or says everything that is wrong with it, a line each, and ends the command.
  func load() throws -> MillraceSettings {
    do {
      return try MillraceSettings.load(path: config, environment: processEnvironment())
    } catch {
      for problem in error.problems { complain("\(problem)") }
      throw ExitStatus.configuration
    }
  }
}

/// The environment of this process. Names or values that are not UTF-8 are repaired, not dropped.
func processEnvironment() -> [String: String] {
  var found: [String: String] = [:]
  var next = environ
  while let entry = next.pointee {
    let text = String(cString: entry)
    if let sign = text.firstIndex(of: "=") { found[String(text[..<sign])] = String(text[text.index(after: sign)...]) }
    next = next.advanced(by: 1)
  }
  return found
}
