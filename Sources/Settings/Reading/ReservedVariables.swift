/// Variables that begin with `MILLRACE_` and are no overrides.
enum ReservedVariables {
  private static let names: Set<String> = [
    "MILLRACE_CONFIG", "MILLRACE_HEALTH_LISTEN", "MILLRACE_ADMIN_TOKEN",
  ]
  private static let prefixes = ["MILLRACE_TEST_", "MILLRACE_FAILPOINT"]

  static func contain(_ variable: String, value: String) -> Bool {
    names.contains(variable) || prefixes.contains { variable.hasPrefix($0) } || isServiceLink(variable, value: value)
  }

  /// Kubernetes gives every pod variables that describe the services of its namespace. Those of a service named
  /// `millrace` would otherwise keep the pods behind it from starting.
  private static func isServiceLink(_ variable: String, value: String) -> Bool {
    if variable.hasSuffix("_SERVICE_HOST") || variable.contains("_SERVICE_PORT") { return true }
    let protocols = ["_TCP", "_UDP", "_SCTP"]
    if variable.hasSuffix("_PORT") {
      return protocols.contains { value.hasPrefix($0.dropFirst().lowercased() + "://") }
    }
    return protocols.contains { name in
      variable.hasSuffix(name) || ["_PROTO", "_PORT", "_ADDR"].contains { variable.hasSuffix(name + $0) }
    } && variable.contains("_PORT_")
  }
}
