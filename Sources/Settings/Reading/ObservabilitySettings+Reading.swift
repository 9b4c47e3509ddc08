extension ObservabilitySettings {
  /// Reads the keys under `observability`.
  init(reading observability: Section) {
    self.init()
    metricsPrefix = observability.text("metrics_prefix", metricsPrefix) { text in
      let isName = isWord(text, also: "_") && !("0"..."9").contains(text.first ?? "0")
      return isName ? nil : "not a metric name; allowed: letters, digits and _, not beginning with a digit"
    }
    traceIDHeader = observability.text("trace_id_header", traceIDHeader) { text in
      isWord(text, also: "-_.") ? nil : "not a header name; allowed: 1 to 100 letters, digits, and - _ ."
    }
    logLevel = observability.choice("log_level", logLevel)
    logFormat = observability.choice("log_format", logFormat)
    otlpEndpoint = observability.url(
      "otlp_endpoint", "${OTEL_EXPORTER_OTLP_ENDPOINT:-}", schemes: ["http", "https"])
  }
}

extension AdminSettings {
  /// Reads the keys under `admin`.
  init(reading admin: Section) {
    self.init()
    if let scalar = admin.scalar("token", default: "${MILLRACE_ADMIN_TOKEN:-}", .secret), !scalar.text.isEmpty {
      if let problem = ProviderSettings.headerProblem(scalar.text) {
        admin.reading.fail(admin.full("token"), scalar, problem)
      }
      token = Secret(scalar.text)
    }
    if let address = admin.address("listen", "127.0.0.1:9464") {
      listen = address
      if !address.isLoopback && token.isEmpty {
        admin.reading.fail(
          admin.full("listen"),
          "reachable from other machines without a token; set admin.token or MILLRACE_ADMIN_TOKEN, or listen on 127.0.0.1"
        )
      }
    } else if let scalar = admin.reading.scalar(for: admin.full("listen")), scalar.text.isEmpty {
      admin.reading.fail(admin.full("listen"), "empty; allowed: host:port")
    }
    healthListen = admin.address("health_listen", "${MILLRACE_HEALTH_LISTEN:-}")
    if let healthListen, healthListen == listen, healthListen.port != 0 {
      admin.reading.fail(admin.full("health_listen"), "the same address as admin.listen; give it another port")
    }
  }
}

/// Whether a text is 1 to 100 ASCII letters, digits and the other characters given.
private func isWord(_ text: String, also others: String) -> Bool {
  (1...100).contains(text.utf8.count)
    && text.unicodeScalars.allSatisfy { scalar in
      scalar.isASCII
        && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || others.unicodeScalars.contains(scalar))
    }
}
