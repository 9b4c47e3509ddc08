import ServiceLifecycle

/// Waiting that the end of the simulator cuts short.
enum Hanging {
  static func wait(milliseconds: Int) async {
    await cancelWhenGracefulShutdown {
      try? await Task.sleep(for: .milliseconds(milliseconds))
    }
  }
}
