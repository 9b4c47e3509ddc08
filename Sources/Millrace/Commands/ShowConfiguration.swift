import ArgumentParser
import Settings

struct ShowConfiguration: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "Shows the configuration that is in force, secrets left out.")

  @OptionGroup var options: ConfigurationOptions

  @Flag(help: "Show a documented file of all defaults instead, to start from.")
  var defaults = false

  func run() async throws {
    print(defaults ? MillraceSettings.documentedDefaults : try options.load().redactedDescription)
  }
}
