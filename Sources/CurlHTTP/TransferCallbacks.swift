import CCurl

// libcurl's callbacks. Their context is a `Transfer`, which the engine holds until its handle is out of the multi handle;
// so nothing is retained for libcurl. They run on the client's thread only, inside calls that the engine makes.

private func transfer(_ context: UnsafeMutableRawPointer?) -> Transfer? {
  guard let context = unsafe context else { return nil }
  return unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
}

/// The count of bytes that libcurl names by two factors; never more than memory holds.
private func count(_ size: Int, _ items: Int) -> Int { size &* items }

extension EasyHandle {
  /// Directs what libcurl reports about this handle to the transfer.
  func report(to transfer: Transfer, uploads: Bool) {
    let context = unsafe Unmanaged.passUnretained(transfer).toOpaque()
    unsafe millrace_easy_set_context(raw, context)
    unsafe millrace_easy_on_header(raw, curlReceivedHeader, context)
    unsafe millrace_easy_on_body(raw, curlReceivedBody, context)
    unsafe millrace_easy_on_request(raw, curlSendsRequest, context)
    unsafe millrace_easy_on_resolve(raw, curlResolvesName, context)
    unsafe millrace_easy_on_socket(raw, curlMadeSocket, context)
    if uploads {
      unsafe millrace_easy_on_read(raw, curlWantsBody, context)
      unsafe millrace_easy_on_progress(raw, curlMovedBytes, context)
    }
  }
}

private func curlReceivedHeader(
  _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ items: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
  let length = count(size, items)
  let line = unsafe UnsafeRawBufferPointer(start: bytes, count: length)
  guard let transfer = unsafe transfer(context), unsafe transfer.receivedHeader(line) else { return 0 }
  return length
}

private func curlReceivedBody(
  _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ items: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
  let length = count(size, items)
  guard let transfer = unsafe transfer(context) else { return 0 }
  switch unsafe transfer.receivedBody(UnsafeRawBufferPointer(start: bytes, count: length)) {
  case .taken: return length
  case .pause: return Int(CURL_WRITEFUNC_PAUSE)
  // Any other count than that of the bytes given ends the transfer.
  case .refused: return 0
  }
}

private func curlWantsBody(
  _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int, _ items: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
  let room = unsafe UnsafeMutableRawBufferPointer(start: buffer, count: count(size, items))
  guard let transfer = unsafe transfer(context) else { return Int(CURL_READFUNC_ABORT) }
  switch unsafe transfer.fill(room) {
  case .filled(let count): return count
  case .pause: return Int(CURL_READFUNC_PAUSE)
  case .failed: return Int(CURL_READFUNC_ABORT)
  }
}

private func curlMovedBytes(
  _ context: UnsafeMutableRawPointer?, _ downloadTotal: curl_off_t, _ downloaded: curl_off_t, _ uploadTotal: curl_off_t,
  _ uploaded: curl_off_t
) -> CInt {
  unsafe transfer(context)?.wrote(Int64(uploaded))
  return 0
}

private func curlSendsRequest(
  _ context: UnsafeMutableRawPointer?, _ primaryAddress: UnsafeMutablePointer<CChar>?,
  _ localAddress: UnsafeMutablePointer<CChar>?, _ primaryPort: CInt, _ localPort: CInt
) -> CInt {
  unsafe transfer(context)?.sending() == true ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
}

private func curlResolvesName(
  _ resolver: UnsafeMutableRawPointer?, _ reserved: UnsafeMutableRawPointer?, _ context: UnsafeMutableRawPointer?
) -> CInt {
  unsafe transfer(context)?.connecting() == true ? 0 : 1
}

private func curlMadeSocket(
  _ context: UnsafeMutableRawPointer?, _ socket: curl_socket_t, _ purpose: curlsocktype
) -> CInt {
  unsafe transfer(context)?.connecting() == true ? CURL_SOCKOPT_OK : CURL_SOCKOPT_ERROR
}
