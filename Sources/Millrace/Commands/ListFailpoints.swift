#if FAILPOINTS
  import ArgumentParser
  import Threading

  /// For the crash tests, which must not miss one.
  struct ListFailpoints: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "failpoints", abstract: "Lists what \(Failpoints.variable) can arm.", shouldDisplay: false)

    func run() async throws {
      for name in Failpoints.names { print(name) }
    }
  }
#endif
