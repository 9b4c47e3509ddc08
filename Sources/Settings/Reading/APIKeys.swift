/// Reads the keys of a provider, from the configuration or from files.
enum APIKeys {
  static func read(_ section: Section, provider: String, kind: ProviderSettings.Kind?, hasToken: Bool = false)
    -> [Secret]
  {
    let reading = section.reading
    let before = reading.problems.count
    var inline = section.scalars("api_key", .secret)
    var files = section.scalars("api_key_file")
    if let key = inline?.first, let file = files?.first {
      // An override by environment replaces the other form as well; two forms in one place are a mistake.
      switch (key.origin, file.origin) {
      case (.environment, .file): files = nil
      case (.file, .environment): inline = nil
      default:
        reading.fail(section.full("api_key"), key, "is set beside \(section.full("api_key_file")); set one of them")
        return []
      }
    }
    if inline == nil, files == nil, provider == "openai", kind == .openai {
      inline = section.scalars("api_key", default: "${OPENAI_API_KEY}", .secret)
    }
    let keys =
      (inline ?? []).compactMap { checked($0.text.trimmed, $0, section, "api_key") }
      + (files ?? []).compactMap { contents($0, section) }
    let needsKey = kind != nil && kind != .openaiCompatible && !hasToken
    if keys.isEmpty, needsKey, reading.problems.count == before {
      let path = section.full("api_key")
      reading.add(
        .init(
          key: path,
          message: "missing; set it, for instance to ${\(Reading.override(for: provider).dropFirst(9))_API_KEY}, or"
            + " \(path)_file, or the environment variable \(Reading.override(for: path))"))
    }
    return keys
  }

  private static func contents(_ file: Scalar, _ section: Section) -> Secret? {
    let key = "api_key_file"
    do {
      let bytes = try section.reading.readFile(file.text)
      guard let text = String(validating: bytes, as: UTF8.self) else {
        section.reading.fail(section.full(key), file, "holds something that is no text; allowed: one key on one line")
        return nil
      }
      return checked(text.trimmed, file, section, key)
    } catch {
      section.reading.fail(section.full(key), file, "cannot be read: \(error)")
      return nil
    }
  }

  private static func checked(_ key: String, _ scalar: Scalar, _ section: Section, _ name: String) -> Secret? {
    if key.isEmpty {
      section.reading.fail(section.full(name), scalar, "gives an empty key; set the key or remove the setting")
      return nil
    }
    if let problem = ProviderSettings.headerProblem(key) {
      section.reading.fail(section.full(name), scalar, problem)
      return nil
    }
    return Secret(key)
  }
}
