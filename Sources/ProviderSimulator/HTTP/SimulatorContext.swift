import Hummingbird
import NIOCore

/// What a request comes with besides itself: the connection, so that a fault can cut it.
struct SimulatorContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  private let channel: any Channel

  init(source: ApplicationRequestContextSource) {
    coreContext = CoreRequestContextStorage(source: source)
    channel = source.channel
  }

  /// Ends the connection without an answer.
  func cut() { channel.close(promise: nil) }
}
