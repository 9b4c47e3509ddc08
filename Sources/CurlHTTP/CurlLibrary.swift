import CCurl

/// The process-wide part of libcurl.
enum CurlLibrary {
  /// Initialises libcurl once. Clients touch it before they start a thread.
  static let isReady: Bool = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
}
