import ServiceLifecycle

/// Thrown where a connection was ended instead of an answer.
struct Abandoned: Error {}

/// Waiting that the end of the simulator cuts short.
enum Hanging {
  static func wait(milliseconds: Int) async {
    await cancelWhenGracefulShutdown {
      try? await Task.sleep(for: .milliseconds(milliseconds))
    }
  }

  /// The same for what goes on afterwards, also when the client has gone: the provider does not notice.
  static func unlessStopped(milliseconds: Int) async {
    if milliseconds == 0 { return }
    // Unstructured, since the task of a connection is cancelled with it.
    await Task { await wait(milliseconds: milliseconds) }.value
  }
}
