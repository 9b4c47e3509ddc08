import CCurl

/// One libcurl easy handle, for one transfer.
///
/// Handles are not used again, although libcurl offers it: before 8.1.0 a handle keeps a pointer to the last header of its
/// previous transfer, and a response that begins with a folded line then writes to freed memory. Connections, resolved
/// names and TLS sessions belong to the multi handle and are kept anyway; a new handle costs one allocation of 6 KiB.
@safe
final class EasyHandle {
  let raw: UnsafeMutableRawPointer
  private let errorText: UnsafeMutablePointer<CChar>
  /// The first option that was refused. Only want of memory is a reason.
  private(set) var failure: CURLcode?
  private var headers: UnsafeMutablePointer<curl_slist>?

  init?() {
    guard let raw = unsafe curl_easy_init() else { return nil }
    unsafe self.raw = unsafe raw
    unsafe errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
    unsafe errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    unsafe note(millrace_easy_set_error_buffer(raw, errorText))
  }

  deinit {
    unsafe curl_easy_cleanup(raw)
    unsafe curl_slist_free_all(headers)
    unsafe errorText.deallocate()
  }

  func set(_ option: CURLoption, _ value: Int) { unsafe note(millrace_easy_set_long(raw, option, value)) }

  func set(_ option: CURLoption, _ value: Bool) { set(option, value ? 1 : 0) }

  func set(_ option: CURLoption, offset: Int64) {
    unsafe note(millrace_easy_set_offset(raw, option, curl_off_t(offset)))
  }

  func set(_ option: CURLoption, _ text: String) {
    unsafe text.withCString { unsafe note(millrace_easy_set_string(raw, option, $0)) }
  }

  func setCopiedBody(_ bytes: [UInt8]) {
    unsafe bytes.withUnsafeBytes { buffer in
      // An empty array has no address, and a null address would mean a body that is read by callback.
      if let base = buffer.baseAddress {
        unsafe note(millrace_easy_set_copied_body(raw, base, curl_off_t(buffer.count)))
      } else {
        unsafe note(millrace_easy_set_copied_body(raw, "", 0))
      }
    }
  }

  /// Adds a line to those that `applyHeaders` hands over.
  func addHeader(_ line: String) {
    guard let longer = unsafe curl_slist_append(headers, line) else {
      failure = failure ?? CURLE_OUT_OF_MEMORY
      return
    }
    unsafe headers = unsafe longer
  }

  func applyHeaders() { unsafe note(millrace_easy_set_headers(raw, headers)) }

  /// Continues or pauses both directions.
  func pause(receive: Bool, send: Bool) {
    // Refused only when the transfer has ended meanwhile, which its message tells.
    _ = unsafe curl_easy_pause(raw, (receive ? CURLPAUSE_RECV : 0) | (send ? CURLPAUSE_SEND : 0))
  }

  /// What libcurl says about the last failure, without control characters; empty when it says nothing.
  var errorMessage: String {
    let text = unsafe String(cString: errorText)
    return String(String.UnicodeScalarView(text.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }))
  }

  private func note(_ code: CURLcode) {
    if code != CURLE_OK { failure = failure ?? code }
  }
}
