import CCurl

extension EasyHandle {
  /// Sets everything that a request and the client's configuration ask for.
  func prepare(_ exchange: Exchange, configuration: HTTPClientConfiguration) {
    let request = exchange.request
    set(CURLOPT_URL, request.url)
    set(CURLOPT_PROTOCOLS_STR, "http,https")
    // Signals are process-wide; libcurl's own time limits for name resolution must not use them.
    set(CURLOPT_NOSIGNAL, true)
    // Otherwise ending a transfer would wait for its resolver thread, and every other transfer with it.
    set(CURLOPT_QUICK_EXIT, true)
    set(CURLOPT_CONNECTTIMEOUT_MS, request.limits.connect.milliseconds)
    set(CURLOPT_FRESH_CONNECT, request.freshConnection)
    set(CURLOPT_MAXAGE_CONN, max(1, configuration.idleConnectionLifetime.milliseconds / 1000))
    set(CURLOPT_DNS_CACHE_TIMEOUT, configuration.dnsCache.milliseconds / 1000)
    set(CURLOPT_TCP_KEEPALIVE, true)
    set(CURLOPT_TCP_KEEPIDLE, 30)
    set(CURLOPT_TCP_KEEPINTVL, 15)
    set(CURLOPT_USERAGENT, configuration.userAgent)
    setTLS(configuration)
    setProxy(configuration.proxy)
    let isUpload = setBody(request)
    // An upload over HTTP/2 can stall without an end when the server answers before it has read the body.
    set(CURLOPT_HTTP_VERSION, configuration.http2 && !isUpload ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1)
    if case .streamed = exchange.delivery { set(CURLOPT_BUFFERSIZE, 64 << 10) }
    setHeaders(request)
  }

  private func setTLS(_ configuration: HTTPClientConfiguration) {
    set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
    if let file = configuration.caFile { set(CURLOPT_CAINFO, file) }
    guard let certificate = configuration.clientCertificate else { return }
    set(CURLOPT_SSLCERT, certificate.certificateFile)
    set(CURLOPT_SSLKEY, certificate.keyFile)
    if let password = certificate.keyPassword { set(CURLOPT_KEYPASSWD, password) }
  }

  private func setProxy(_ proxy: HTTPClientConfiguration.Proxy) {
    // The answer to CONNECT is the proxy's, not the response.
    set(CURLOPT_SUPPRESS_CONNECT_HEADERS, true)
    // The headers are for the server: its credentials must not reach a proxy.
    set(CURLOPT_HEADEROPT, Int(CURLHEADER_SEPARATE))
    switch proxy {
    case .environment: break
    case .none: set(CURLOPT_PROXY, "")
    case .url(let url, let except):
      set(CURLOPT_PROXY, url)
      set(CURLOPT_NOPROXY, except)
    }
  }

  /// Returns whether the body is read piece by piece.
  private func setBody(_ request: HTTPRequest) -> Bool {
    guard let body = request.body else {
      setNoBody(request.method)
      return false
    }
    let copy = body.copied
    if let copy {
      set(CURLOPT_POST, true)
      setCopiedBody(copy)
    } else {
      set(CURLOPT_UPLOAD, true)
      set(CURLOPT_INFILESIZE_LARGE, offset: body.length)
      set(CURLOPT_UPLOAD_BUFFERSIZE, 256 << 10)
    }
    set(CURLOPT_CUSTOMREQUEST, request.method)
    return copy == nil
  }

  private func setNoBody(_ method: String) {
    switch method {
    case "HEAD":
      set(CURLOPT_NOBODY, true)
    case "POST", "PUT", "PATCH":
      // Servers expect a length from these, even when it is 0.
      set(CURLOPT_POST, true)
      setCopiedBody([])
      set(CURLOPT_CUSTOMREQUEST, method)
    default:
      set(CURLOPT_HTTPGET, true)
      set(CURLOPT_CUSTOMREQUEST, method)
    }
  }

  private func setHeaders(_ request: HTTPRequest) {
    var hasContentType = false
    for (name, value) in request.headers {
      if name.utf8.count == 12 && name.lowercased() == "content-type" { hasContentType = true }
      // libcurl takes a bare colon for the wish to leave a header out.
      addHeader(value.isEmpty ? "\(name);" : "\(name): \(value)")
    }
    // It would call every body without a type a form.
    if !hasContentType { addHeader("Content-Type:") }
    // No server's leave is asked before a body is sent: one round trip less, and an early answer is read anyway.
    addHeader("Expect:")
    applyHeaders()
  }
}
