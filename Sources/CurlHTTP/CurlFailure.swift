import CCurl

/// Translates libcurl's result codes.
enum CurlFailure {
  /// - Parameters:
  ///   - detail: libcurl's own text. Used only for codes whose texts hold nothing but host names and reasons.
  ///   - isConnected: Whether bytes of the request may have left.
  ///   - hasResponse: Whether a status line has come.
  static func error(
    _ code: CURLcode, server: String, detail: String, isConnected: Bool, hasResponse: Bool
  ) -> HTTPError {
    let phase: HTTPError.ExchangePhase = hasResponse ? .duringResponse : .duringRequest
    var (kind, text) = reason(code, server: server, phase: phase)
    if isConnected {
      switch code {
      // Whatever fails on a second connection is the loss of the first one.
      case CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_OPERATION_TIMEDOUT:
        (kind, text) = (.connectionLost(phase), "the connection to \(server) was lost")
      // The server's words, not ours, which libcurl has accepted by now.
      case CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT, CURLE_BAD_FUNCTION_ARGUMENT:
        (kind, text) = (.protocolError, "\(server) answered with what is no HTTP")
      default: break
      }
    } else if case .connectionLost = kind {
      // In a handshake, with a proxy for example: nothing of the request had left.
      (kind, text) = (.connectFailed, "cannot connect to \(server)")
    }
    if !detail.isEmpty && mayQuote(code, detail) { text += ": \(detail)" }
    return HTTPError(
      kind: kind, requestMayHaveBeenSent: isConnected, message: "\(text) (libcurl \(code.rawValue))")
  }

  private static func reason(
    _ code: CURLcode, server: String, phase: HTTPError.ExchangePhase
  ) -> (HTTPError.Kind, String) {
    switch code {
    case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL:
      (.badURL, "the URL for \(server) cannot be used")
    case CURLE_COULDNT_RESOLVE_HOST:
      (.nameNotResolved, "the host of \(server) has no address")
    case CURLE_COULDNT_RESOLVE_PROXY:
      (.nameNotResolved, "the proxy for \(server) has no address; check the proxy setting")
    case CURLE_COULDNT_CONNECT, CURLE_PROXY:
      (.connectFailed, "cannot connect to \(server)")
    case CURLE_SSL_CACERT_BADFILE:
      (.tlsFailed, "the file of certificate authorities for \(server) cannot be read")
    case CURLE_SSL_CERTPROBLEM:
      (.tlsFailed, "the client certificate for \(server) cannot be used")
    case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS,
      CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_CRL_BADFILE:
      (.tlsFailed, "the certificate of \(server) is not trusted")
    case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CIPHER, CURLE_SSL_CLIENTCERT, CURLE_USE_SSL_FAILED:
      (.tlsFailed, "no TLS connection to \(server)")
    case CURLE_OPERATION_TIMEDOUT:
      (.connectTimeout, "\(server) was not connected in time")
    case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_SEND_FAIL_REWIND,
      CURLE_HTTP2, CURLE_HTTP2_STREAM:
      (.connectionLost(phase), "the connection to \(server) was lost")
    case CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING, CURLE_TOO_MANY_REDIRECTS, CURLE_WRITE_ERROR,
      CURLE_HTTP_RETURNED_ERROR:
      (.protocolError, "\(server) answered with what is no HTTP")
    default:
      (.internalError, "the request to \(server) could not be done: \(name(code))")
    }
  }

  /// Other texts may quote a proxy setting with its password, or a URL.
  private static func mayQuote(_ code: CURLcode, _ detail: String) -> Bool {
    switch code {
    case CURLE_COULDNT_CONNECT:
      detail.hasPrefix("Failed to connect to ")
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM,
      CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CONNECT_ERROR, CURLE_SEND_ERROR, CURLE_RECV_ERROR,
      CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_HTTP2, CURLE_HTTP2_STREAM:
      true
    default:
      false
    }
  }

  private static func name(_ code: CURLcode) -> String {
    guard let text = unsafe curl_easy_strerror(code) else { return "unknown error" }
    return unsafe String(cString: text)
  }
}
