/// The kinds of values. Each gives the fallback where the key is not set, and also, after reporting it, where it
/// cannot be used: the rest is then still checked.
extension Section {
  func whole(
    _ key: String, _ fallback: Int, _ range: ClosedRange<Int>, what: String = "a whole number"
  ) -> Int {
    guard let scalar = scalar(key) else { return fallback }
    guard let value = Quantities.whole(scalar.text), range.contains(value) else {
      let allowed = "allowed: \(range.lowerBound) to \(range.upperBound)"
      let wrong = Quantities.whole(scalar.text) == nil ? "not \(what)" : "out of range"
      reading.fail(full(key), scalar, "\(wrong); \(allowed)")
      return fallback
    }
    return value
  }

  /// A limit that may be `unlimited`.
  func limit(_ key: String, _ fallback: Int?, _ range: ClosedRange<Int>) -> Int? {
    guard let scalar = scalar(key) else { return fallback }
    if scalar.text == "unlimited" { return nil }
    guard let value = Quantities.whole(scalar.text), range.contains(value) else {
      reading.fail(
        full(key), scalar,
        "not a limit; allowed: a whole number from \(range.lowerBound) to \(range.upperBound), or unlimited")
      return fallback
    }
    return value
  }

  func milliseconds(_ key: String, _ fallback: Duration, _ range: ClosedRange<Int>) -> Duration {
    let text = "a whole number of milliseconds"
    return .milliseconds(whole(key, Quantities.milliseconds(fallback), range, what: text))
  }

  func seconds(_ key: String, _ fallback: Duration, _ range: ClosedRange<Int>) -> Duration {
    .seconds(whole(key, Int(fallback.components.seconds), range, what: "a whole number of seconds"))
  }

  func duration(_ key: String, _ fallback: Duration, _ range: ClosedRange<Duration>) -> Duration {
    guard let scalar = scalar(key) else { return fallback }
    guard let value = Quantities.duration(scalar.text), range.contains(value) else {
      let wrong =
        Quantities.duration(scalar.text) == nil ? "not a duration such as 250ms, 30s, 10m, 1h or 31d" : "out of range"
      let allowed = "allowed: \(Quantities.text(range.lowerBound)) to \(Quantities.text(range.upperBound))"
      reading.fail(full(key), scalar, "\(wrong); \(allowed)")
      return fallback
    }
    return value
  }

  func bytes(_ key: String, _ fallback: Int, _ range: ClosedRange<Int>) -> Int {
    guard let scalar = scalar(key) else { return fallback }
    guard let value = Quantities.bytes(scalar.text), range.contains(value) else {
      let wrong =
        Quantities.bytes(scalar.text) == nil ? "not a number of bytes such as 1048576, 16MiB or 180MB" : "out of range"
      reading.fail(full(key), scalar, "\(wrong); allowed: \(range.lowerBound) to \(range.upperBound)")
      return fallback
    }
    return value
  }

  /// A share above 0 and up to 1.
  func ratio(_ key: String, _ fallback: Double) -> Double {
    guard let scalar = scalar(key) else { return fallback }
    guard let value = Double(scalar.text), value > 0, value <= 1 else {
      reading.fail(full(key), scalar, "not a ratio; allowed: above 0, up to 1")
      return fallback
    }
    return value
  }

  /// US dollars, as pico-USD.
  func dollars(_ key: String, _ fallback: Int64, upTo most: Int) -> Int64 {
    guard let scalar = scalar(key) else { return fallback }
    guard let value = Dollars.parse(scalar.text), value <= Int64(most) * 1_000_000_000_000 else {
      reading.fail(full(key), scalar, "not an amount of US dollars such as 5 or 0.25; allowed: 0 to \(most)")
      return fallback
    }
    return value
  }

  func flag(_ key: String, _ fallback: Bool) -> Bool {
    guard let scalar = scalar(key) else { return fallback }
    switch scalar.text.lowercased() {
    case "true", "yes", "on", "1": return true
    case "false", "no", "off", "0": return false
    default:
      reading.fail(full(key), scalar, "neither true nor false; allowed: true, false")
      return fallback
    }
  }

  func choice<Value: RawRepresentable<String> & CaseIterable>(_ key: String, _ fallback: Value) -> Value {
    optionalChoice(key) ?? fallback
  }

  func optionalChoice<Value: RawRepresentable<String> & CaseIterable>(_ key: String) -> Value? {
    guard let scalar = scalar(key) else { return nil }
    guard let value = Value(rawValue: scalar.text) else {
      let names = Value.allCases.map(\.rawValue)
      let near = Spelling.nearest(to: scalar.text, among: names).map { "; did you mean \($0)?" } ?? ""
      reading.fail(full(key), scalar, "not one of the choices; allowed: \(names.joined(separator: ", "))\(near)")
      return nil
    }
    return value
  }

  /// A text for which `problem` finds nothing wrong.
  func text(_ key: String, _ fallback: String, problem: (String) -> String? = { _ in nil }) -> String {
    guard let scalar = scalar(key) else { return fallback }
    if let problem = problem(scalar.text) {
      reading.fail(full(key), scalar, problem)
      return fallback
    }
    return scalar.text
  }

  /// A URL with one of the schemes; empty is allowed where the default is.
  func url(_ key: String, _ fallback: String, schemes: [String]) -> ConnectionURL {
    guard let scalar = scalar(key, default: fallback, .url) else { return ConnectionURL("") }
    if scalar.text.isEmpty { return ConnectionURL("") }
    return checkedURL(scalar, key: key, schemes: schemes) ?? ConnectionURL("")
  }

  /// The URL that a value is, or nothing after reporting why it is none.
  func checkedURL(_ scalar: Scalar, key: String, schemes: [String]) -> ConnectionURL? {
    let url = ConnectionURL(scalar.text)
    let forms = schemes.map { $0 + "://..." }.joined(separator: ", ")
    if !schemes.contains(url.scheme) || !url.hasLocation || scalar.text.contains(where: { $0.isWhitespace }) {
      reading.fail(full(key), scalar, "not a URL of the right kind; allowed: \(forms)")
      return nil
    }
    return url
  }

  func address(_ key: String, _ fallback: String) -> ListenAddress? {
    guard let scalar = scalar(key, default: fallback), !scalar.text.isEmpty else { return nil }
    guard let address = ListenAddress(parsing: scalar.text) else {
      reading.fail(full(key), scalar, "not an address; allowed: host:port with a port from 0 to 65535")
      return nil
    }
    return address
  }
}
