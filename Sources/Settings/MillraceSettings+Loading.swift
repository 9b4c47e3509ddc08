import Yams

extension MillraceSettings {
  /// What this version can talk to.
  public static let supportedKinds: Set<ProviderSettings.Kind> = [
    .openai, .azure, .anthropic, .gemini, .mistral, .openaiCompatible,
  ]

  /// Reads the configuration: environment over file over defaults.
  ///
  /// - Parameters:
  ///   - path: The file; without it the one that `MILLRACE_CONFIG` names, without that none.
  ///   - environment: Also what `${NAME}` in the file refers to.
  ///   - supportedKinds: Kinds of providers that may be configured; others are named in a problem.
  ///   - readFile: Gives the bytes of the file, and of files that hold a key.
  /// - Throws: `SettingsError` with every problem found.
  public static func load(
    path: String?, environment: [String: String],
    supportedKinds: Set<ProviderSettings.Kind> = MillraceSettings.supportedKinds,
    readFile: (String) throws -> [UInt8] = FileReading.read
  ) throws(SettingsError) -> MillraceSettings {
    let named = environment["MILLRACE_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
    let file = path ?? named
    let result: Result<MillraceSettings, SettingsError> = withoutActuallyEscaping(readFile) { readFile in
      let reading = Reading(environment: environment, fileName: file ?? "", readFile: readFile)
      let root: Node?
      do throws(SettingsError) {
        root = try file.map { file throws(SettingsError) in try ConfigurationFile.parse(file, readFile) } ?? nil
      } catch {
        return .failure(error)
      }
      let settings = MillraceSettings(reading: reading, root: root, supportedKinds: supportedKinds)
      let problems = reading.finish()
      return problems.isEmpty ? .success(settings) : .failure(SettingsError(problems: problems))
    }
    return try result.get()
  }

  private init(reading: Reading, root: Node?, supportedKinds: Set<ProviderSettings.Kind>) {
    let file = Section(reading: reading, path: "", node: root)
    amqp = file.section("amqp") { AMQPSettings(reading: $0) }
    ledger = file.section("ledger") { LedgerSettings(reading: $0) }
    tenancy = file.section("tenancy") { TenancySettings(reading: $0) }
    let keyProblems = readProviders(file, supportedKinds: supportedKinds)
    readModels(file)
    readPrices(file)
    budgets = file.entries("budgets") { BudgetSettings(name: $0, $1) } ?? []
    batching = file.section("batching") { BatchingSettings(reading: $0) }
    execution = file.section("execution") { ExecutionSettings(reading: $0) }
    rescue = file.section("rescue") { RescueSettings(reading: $0) }
    file.section("dead_letter") {
      deadLetter.providerRejected = $0.flag("provider_rejected", deadLetter.providerRejected)
    }
    observability = file.section("observability") { ObservabilitySettings(reading: $0) }
    admin = file.section("admin") { AdminSettings(reading: $0) }
    file.finish()
    checkCreateTimeout(reading)

    // A provider that no model leads to may lack its key: one file then serves several places.
    let used = Set(models.entries.flatMap { $0.routes.map(\.provider) })
    for (name, problems) in keyProblems where used.contains(name) {
      for problem in problems { reading.add(problem) }
    }
  }

  /// A create is sent only while it is sure to end before its lease does, so a lease has to have room for one between
  /// two renewals.
  private func checkCreateTimeout(_ reading: Reading) {
    guard case .postgres = ledger.engine, execution.createTimeout > ledger.lease / 2 else { return }
    reading.fail(
      "execution.create_timeout",
      "longer than half of ledger.lease, which is \(Quantities.text(ledger.lease)); "
        + "allowed with a postgres:// ledger: up to \(Quantities.text(ledger.lease / 2))")
  }

  /// Fills `providers`; gives the problems of their keys by name.
  private mutating func readProviders(
    _ file: Section, supportedKinds: Set<ProviderSettings.Kind>
  ) -> [(String, [SettingsError.Problem])] {
    let defaults = providers
    let read =
      file.entries("providers") { name, section in
        Self.checkName(name, section)
        return ProviderSettings.read(name: name, section, fallback: nil)
      }
      ?? file.section("providers") { table in
        defaults.map { fallback in
          table.section(fallback.name) { ProviderSettings.read(name: fallback.name, $0, fallback: fallback) }
        }
      }
    providers = read.map(\.settings)
    for provider in providers where !supportedKinds.contains(provider.kind) {
      let kinds = supportedKinds.map(\.rawValue).sorted().joined(separator: ", ")
      file.reading.fail(
        "providers.\(provider.name).kind",
        "the kind \(provider.kind.rawValue) is not supported by this version; allowed: \(kinds)")
    }
    return read.map { ($0.settings.name, $0.keyProblems) }
  }

  private static func checkName(_ name: String, _ section: Section) {
    let fits =
      (1...64).contains(name.utf8.count) && !name.utf8.contains { $0 <= 0x20 || $0 == 0x7F || $0 == UInt8(ascii: ":") }
    if fits { return }
    section.reading.add(
      .init(
        key: section.path, message: "not a usable provider name; allowed: 1 to 64 characters without blanks and \":\""))
  }

  private mutating func readModels(_ file: Section) {
    let names = providers.map(\.name)
    let given = file.entries("models") { name, section in
      ModelSettings(name: name, section, fallback: nil, providers: names)
    }
    if let given {
      models = ModelTable(given)
      return
    }
    let missing = Set(Self.defaultModels.flatMap { $0.routes.map(\.provider) }).subtracting(names)
    if !missing.isEmpty {
      let name = missing.sorted().joined(separator: ", ")
      file.reading.add(
        .init(
          key: "models",
          message: "missing; the default models lead to the provider \(name), which is not under providers"))
      return
    }
    models = ModelTable(
      file.section("models") { table in
        Self.defaultModels.map { fallback in
          table.section(fallback.pattern) { section in
            ModelSettings(name: fallback.pattern, section, fallback: fallback, providers: names)
          }
        }
      })
  }
}
