/// How it is said that the load grows too fast.
enum SlowDownCode: String, CaseIterable, Sendable {
  case slowDown = "slow_down"
  case serverIsOverloaded = "server_is_overloaded"

  func error(status: Int, wait: Int) -> APIError {
    switch self {
    case .slowDown:
      APIError(
        status: status, message: "Slow down: the rate of your requests grows too fast. Reduce it and grow gradually.",
        type: "rate_limit_error", code: rawValue, retryAfterMilliseconds: wait, reason: "slow_down")
    case .serverIsOverloaded:
      APIError(
        status: status, message: "The server is overloaded. Please try again later.",
        type: "service_unavailable_error", code: rawValue, retryAfterMilliseconds: wait, reason: "slow_down")
    }
  }
}
