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
}
