import ArgumentParser
import Glibc
import Hummingbird
import Logging
import NIOCore
import Wire

/// Starts the simulator from the command line.
@main
struct ProviderSimulatorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "provider-simulator",
    abstract:
      """
      Simulates the synchronous calls and batches of OpenAI, Azure, Anthropic, Gemini and Mistral, and logs what it is paid for.
      """,
    discussion: """
      The base URL says whose manner it has: /v1 OpenAI's, / Anthropic's and Gemini's, /openai and /openai/v1 Azure's, /mistral \
      Mistral's, /together/v1, \
      /xai/v1 and /novita/v1 those of servers that differ, /nobatch/v1 and /nocreate/v1 of servers without batches.
      Everything can be changed while it runs: POST /_sim/faults takes the options below as JSON, with underscores.
      GET /_sim/log is the witness, GET /_sim/stats its sums and what was refused, GET /_sim/timeline the calls by the
      second, GET /_sim/calls who did what, POST /_sim/reset forgets all. A prompt may hold markers such as [[sim:500x2]], [[sim:reject]], [[sim:hang]], [[sim:slow=500]], [[sim:tokens=200]], [[sim:missing]].
      """)

  @Option(help: "Address and port; port 0 takes a free one.")
  var listen = "127.0.0.1:8080"
  @Option(help: "Directory of files, journal and witness; made if need be.")
  var state: String
  @Option(help: "File that the port is written to, when requests are answered.")
  var portFile: String?
  @Option(help: "What chance is derived from.")
  var seed: UInt64 = 1
  @Option(help: "JSON file with options as for POST /_sim/faults; those of the command line come on top.")
  var config: String?
  @Option(
    name: .customLong("key"), help: "Accepted key, or KEY=PROJECT; repeatable. Default: any that begins with sk-.")
  var keys: [String] = []
  @OptionGroup(title: "Times") var times: TimeOptions
  @OptionGroup(title: "Limits") var limits: LimitOptions
  @OptionGroup(title: "Tokens") var tokens: TokenOptions
  @OptionGroup(title: "Keys and money") var accounts: AccountOptions
  @OptionGroup(title: "Headers") var headers: HeaderOptions
  @OptionGroup(title: "Oddities") var quirks: QuirkOptions
  @OptionGroup(title: "Outages and orders") var incidents: IncidentOptions
  @OptionGroup(title: "Faults (shares from 0 to 1)") var faults: FaultOptions

  func run() async throws {
    // A client that goes away must not end the process.
    signal(SIGPIPE, SIG_IGN)
    do {
      try await serve()
    } catch let error as SimulatorError {
      try leave(error.description)
    } catch let error as IOError {
      try leave(SimulatorError.system("cannot listen on \(listen)", error.errnoCode).description)
    } catch let error where !(error is ExitCode) {
      try leave("cannot listen on \(listen): \(error)")
    }
  }

  /// - Parameter document: The content of ``config``.
  func behaviour(_ document: JSONSlice? = nil) throws(SimulatorError) -> Behaviour {
    var behaviour = Behaviour()
    if let document {
      do {
        try behaviour.apply(document, ignoring: SimulatorSettings.incidents)
      } catch {
        throw SimulatorError("\(config ?? "the file"): \(error)")
      }
    }
    if times.zeroLatency { behaviour.removeLatency() }
    for (name, value) in times.values + limits.values + tokens.values + accounts.numbers {
      if let value { try behaviour.set(name, to: Double(value)) }
    }
    for (name, value) in faults.values + times.decimals + accounts.decimals {
      if let value { try behaviour.set(name, to: value) }
    }
    for (name, value) in limits.flags + quirks.flags {
      if let value { try behaviour.turn(name, value) }
    }
    for (name, value) in limits.choices + tokens.choices + accounts.choices + headers.choices {
      if let value { try behaviour.choose(name, value) }
    }
    try quirks.apply(to: &behaviour)
    for (name, entries) in accounts.lists where !entries.isEmpty { behaviour.list(name, entries) }
    return behaviour
  }

  private func document() throws(SimulatorError) -> JSONSlice? {
    guard let config else { return nil }
    let bytes = try WholeFile.read(config)
    do { return try JSONSlice.parse(bytes) } catch { throw SimulatorError("\(config) is no JSON: \(error)") }
  }

  private func serve() async throws {
    let (host, port) = try Self.address(listen)
    let document = try document()
    let settings = SimulatorSettings(
      stateDirectory: state, seed: seed, credentials: Credentials(keys: keys), behaviour: try behaviour(document))
    for incidents in [document, try incidents.document()] {
      if let incidents { try settings.changeIncidents(incidents, now: WallClock.monotonicNanoseconds) }
    }
    var logger = Logger(label: "provider-simulator", factory: { StreamLogHandler.standardError(label: $0) })
    logger.logLevel = .error
    let simulator = try Simulator(settings: settings, logger: logger)
    let application = simulator.application(host: host, port: port) { [portFile] port in
      Terminal.say("provider-simulator: http://\(host):\(port)/v1 (state in \(settings.stateDirectory))")
      guard let portFile else { return }
      do {
        try WholeFile.write(Array("\(port)\n".utf8), to: portFile)
      } catch {
        Terminal.complain("\(error)")
      }
    }
    do {
      try await application.runService()
    } catch {
      await simulator.close()
      throw error
    }
    await simulator.close()
  }

  private func leave(_ message: String) throws -> Never {
    Terminal.complain(message)
    throw ExitCode.failure
  }

  static func address(_ text: String) throws(SimulatorError) -> (String, Int) {
    guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
      (0...65_535).contains(port), colon != text.startIndex
    else { throw SimulatorError("--listen \(text) is no HOST:PORT, such as 127.0.0.1:8080") }
    return (String(text[..<colon]), port)
  }
}
