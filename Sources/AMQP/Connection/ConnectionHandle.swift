import CRabbitMQ
import Glibc
import Wire

/// Owns a connection of the library after login: its socket, its TLS session and its decoder.
///
/// The library is used to connect, to log in, to receive and to decode. After login its own heartbeats are switched off
/// and it writes nothing any more: they would land inside a frame that the socket took only half of, and its publish
/// waits without limit on a silent link. Confined to the thread that made it.
@safe
final class ConnectionHandle {
  let descriptor: CInt
  /// Seconds, as negotiated; 0 is off.
  let heartbeat: Int
  let frameMax: Int
  let broker: BrokerInfo

  private let connection: amqp_connection_state_t
  private let tls: UnsafeMutablePointer<millrace_tls>?

  /// Connects and logs in. Blocks for at most two connect timeouts, plus the name resolution.
  init(_ endpoint: ConnectionConfiguration.Endpoint, _ configuration: ConnectionConfiguration) throws(AMQPError) {
    guard let connection = unsafe amqp_new_connection() else {
      throw AMQPError(.connectionLost, "no memory for a broker connection")
    }
    var tls: UnsafeMutablePointer<millrace_tls>?
    do throws(AMQPError) {
      let name = endpoint.description
      if let settings = configuration.tls {
        unsafe tls = .allocate(capacity: 1)
        unsafe tls?.initialize(to: millrace_tls())
        try unsafe Self.openTLS(connection, endpoint, settings, configuration.connectTimeout, tls!)
      } else {
        guard let socket = unsafe amqp_tcp_socket_new(connection) else {
          throw AMQPError(.connectionLost, "no memory for a socket")
        }
        var timeout = timeval(configuration.connectTimeout)
        let status = unsafe amqp_socket_open_noblock(socket, endpoint.host, CInt(endpoint.port), &timeout)
        guard status == CInt(AMQP_STATUS_OK.rawValue) else { throw Self.unreachable(name, status) }
      }
      var timeout = timeval(configuration.connectTimeout)
      unsafe amqp_set_handshake_timeout(connection, &timeout)
      unsafe amqp_set_rpc_timeout(connection, &timeout)
      try unsafe Self.logIn(connection, name, configuration)

      unsafe self.connection = unsafe connection
      unsafe self.tls = unsafe tls
      descriptor = unsafe amqp_get_sockfd(connection)
      heartbeat = Int(unsafe amqp_get_heartbeat(connection))
      frameMax = Int(unsafe amqp_get_frame_max(connection))
      broker = unsafe Self.brokerInfo(amqp_get_server_properties(connection), name)
      _ = unsafe amqp_tune_connection(connection, amqp_get_channel_max(connection), CInt(frameMax), 0)
      millrace_tune_socket(descriptor, CInt(max(heartbeat, 5)))
    } catch {
      unsafe amqp_destroy_connection(connection)
      unsafe tls?.deallocate()
      throw error
    }
  }

  deinit {
    unsafe amqp_destroy_connection(connection)
    unsafe tls?.deallocate()
  }

  /// The next whole frame that is here, without waiting. It is valid until `recycle()`.
  func receive() throws(AMQPError) -> amqp_frame_t? {
    var frame = unsafe amqp_frame_t()
    var none = timeval()
    let status = unsafe amqp_simple_wait_frame_noblock(connection, &frame, &none)
    if status == CInt(AMQP_STATUS_OK.rawValue) { return unsafe frame }
    if status == CInt(AMQP_STATUS_TIMEOUT.rawValue) { return nil }
    let text = unsafe String(cString: amqp_error_string2(status))
    switch status {
    case CInt(AMQP_STATUS_BAD_AMQP_DATA.rawValue), CInt(AMQP_STATUS_UNKNOWN_CLASS.rawValue),
      CInt(AMQP_STATUS_UNKNOWN_METHOD.rawValue):
      throw AMQPError(.malformed, "\(broker.endpoint) sent what is not AMQP: \(text)")
    default:
      throw AMQPError(.connectionLost, "the connection to \(broker.endpoint) broke: \(text)")
    }
  }

  /// Gives the library back the memory of the frames read so far.
  func recycle() { unsafe amqp_maybe_release_buffers(connection) }

  /// Whether a write waits for bytes of the peer, not for room: TLS has both.
  var writeWaitsForRead: Bool { unsafe tls?.pointee.read_wanted ?? 0 != 0 }

  /// Writes what the socket takes now and says how many bytes that were.
  func write(_ bytes: UnsafeRawBufferPointer) throws(AMQPError) -> Int {
    if let tls = unsafe tls {
      let count = unsafe millrace_tls_write(tls, bytes.baseAddress, CInt(min(bytes.count, 1 << 20)))
      if count < 0 { throw AMQPError(.connectionLost, "the TLS connection to \(broker.endpoint) broke on a write") }
      return count
    }
    while true {
      let count = unsafe send(descriptor, bytes.baseAddress, bytes.count, CInt(MSG_NOSIGNAL))
      if count >= 0 { return count }
      let reason = errno
      if reason == EINTR { continue }
      if reason == EAGAIN || reason == EWOULDBLOCK { return 0 }
      throw AMQPError(
        .connectionLost, "the connection to \(broker.endpoint) broke: \(unsafe String(cString: strerror(reason)))")
    }
  }

  // MARK: Opening

  private static func openTLS(
    _ connection: amqp_connection_state_t, _ endpoint: ConnectionConfiguration.Endpoint,
    _ settings: TLSConfiguration, _ timeout: Duration, _ tls: UnsafeMutablePointer<millrace_tls>
  ) throws(AMQPError) {
    guard let socket = unsafe amqp_ssl_socket_new(connection) else {
      throw AMQPError(.tls, "OpenSSL cannot make a TLS context")
    }
    let name = endpoint.description
    let prepared = unsafe millrace_tls_prepare(
      socket, tls, endpoint.host, settings.verify ? 1 : 0, settings.caFile == nil ? 1 : 0)
    guard prepared == 1 else { throw AMQPError(.tls, "OpenSSL cannot verify the host name '\(endpoint.host)'") }
    if let file = settings.caFile, unsafe amqp_ssl_socket_set_cacert(socket, file) != 0 {
      throw AMQPError(.configuration, "the CA file '\(file)' cannot be used: \(lastTLSError)")
    }
    switch (settings.certificateFile, settings.keyFile) {
    case (nil, nil): break
    case (let certificate?, let key?):
      if unsafe amqp_ssl_socket_set_key(socket, certificate, key) != 0 {
        throw AMQPError(
          .configuration, "the client certificate '\(certificate)' with key '\(key)' cannot be used: \(lastTLSError)")
      }
    case (_?, nil): throw AMQPError(.configuration, "a client certificate is given without its key file")
    case (nil, _?): throw AMQPError(.configuration, "a client key is given without its certificate file")
    }
    var timeout = timeval(timeout)
    let status = unsafe amqp_socket_open_noblock(socket, endpoint.host, CInt(endpoint.port), &timeout)
    if status == CInt(AMQP_STATUS_OK.rawValue) {
      guard unsafe tls.pointee.ssl != nil else {
        throw AMQPError(.tls, "the TLS handshake with \(name) showed no certificate")
      }
      return
    }
    let reason = unsafe tls.pointee.error
    if settings.verify, reason != X509_V_OK {
      let text = unsafe String(cString: X509_verify_cert_error_string(reason))
      throw AMQPError(.tls, "the certificate of \(name) is refused: \(text)")
    }
    if status == CInt(AMQP_STATUS_SSL_CONNECTION_FAILED.rawValue) || status == CInt(AMQP_STATUS_SSL_ERROR.rawValue) {
      throw AMQPError(
        .tls, "the TLS handshake with \(name) failed: \(lastTLSError) (does that port speak TLS?)")
    }
    throw unreachable(name, status)
  }

  private static var lastTLSError: String { unsafe String(cString: millrace_tls_last_error()) }

  private static func unreachable(_ name: String, _ status: CInt) -> AMQPError {
    let text =
      switch status {
      case CInt(AMQP_STATUS_HOSTNAME_RESOLUTION_FAILED.rawValue): "the name cannot be resolved; check amqp.url"
      // The library does not say which error.
      case CInt(AMQP_STATUS_SOCKET_ERROR.rawValue):
        "nothing accepts connections there; check amqp.url, and that the broker runs and can be reached"
      case CInt(AMQP_STATUS_TIMEOUT.rawValue):
        "no answer in time; check amqp.url, and that no firewall drops the connection"
      default: unsafe String(cString: amqp_error_string2(status))
      }
    return AMQPError(.unreachable, "cannot connect to the broker at \(name): \(text)")
  }

  private static func logIn(
    _ connection: amqp_connection_state_t, _ name: String, _ configuration: ConnectionConfiguration
  ) throws(AMQPError) {
    let heartbeat = min(max(configuration.heartbeat.components.seconds, 0), 65_535)
    let frameMax = min(max(configuration.frameMax, 4096), 1 << 24)
    let reply = unsafe (configuration.password.bytes + [0]).withUnsafeBufferPointer { password in
      unsafe password.withMemoryRebound(to: CChar.self) { password in
        unsafe millrace_amqp_login(
          connection, configuration.virtualHost, CInt(frameMax), CInt(heartbeat), configuration.user,
          password.baseAddress, configuration.connectionName)
      }
    }
    let (type, method, status) = unsafe (reply.reply_type, reply.reply, reply.library_error)
    if type == AMQP_RESPONSE_NORMAL { return }
    if type == AMQP_RESPONSE_SERVER_EXCEPTION, unsafe method.id == MethodID.connectionClose.rawValue,
      let decoded = unsafe method.decoded
    {
      let close = unsafe decoded.load(as: amqp_connection_close_t.self)
      let (code, text) = unsafe (close.reply_code, FieldReader.text(close.reply_text))
      throw AMQPError(
        [402, 403, 530].contains(code) ? .refused : .connectionClosed, code: code,
        "\(name) refuses user '\(configuration.user)' on virtual host '\(configuration.virtualHost)': \(text)")
    }
    let text = unsafe String(cString: amqp_error_string2(status))
    throw AMQPError(
      .connectionLost, "the login at \(name) ended early: \(text) (a node that is starting, or no AMQP port)")
  }

  private static func brokerInfo(_ properties: UnsafeMutablePointer<amqp_table_t>?, _ endpoint: String) -> BrokerInfo {
    let table = unsafe properties.map { unsafe FieldReader.table($0.pointee) } ?? FieldTable()
    return BrokerInfo(
      product: table["product"]?.text ?? "unknown broker", version: table["version"]?.text ?? "?",
      clusterName: table["cluster_name"]?.text ?? "", endpoint: endpoint)
  }
}

extension timeval {
  init(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    self.init(tv_sec: Int(max(seconds, 0)), tv_usec: Int(max(attoseconds, 0) / 1_000_000_000_000))
  }
}
