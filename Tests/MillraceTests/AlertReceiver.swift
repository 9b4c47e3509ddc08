import HTTPTypes
import Hummingbird
import Logging
import ServiceLifecycle
import Synchronization

/// A webhook's receiver on loopback, which answers as it is told and keeps what it was sent.
final class AlertReceiver: Sendable {
  struct Post: Sendable {
    var method: String
    var target: String
    var headers: String
    var body: String
  }

  private struct State {
    var posts: [Post] = []
    var statuses: [Int]
  }

  private let state: Mutex<State>

  /// - Parameter statuses: of the first answers; the others are 204.
  private init(statuses: [Int]) {
    state = Mutex(State(statuses: statuses))
  }

  var posts: [Post] { state.withLock { $0.posts } }

  /// Runs a receiver, and its port with it, for as long as the body takes.
  static func run(statuses: [Int] = [], _ body: (AlertReceiver, Int) async throws -> Void) async throws {
    let receiver = AlertReceiver(statuses: statuses)
    let (ports, bound) = AsyncStream.makeStream(of: Int.self, bufferingPolicy: .bufferingOldest(1))
    let router = Router(context: BasicRequestContext.self)
    router.add(middleware: Recorder(receiver: receiver))
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let application = Application(
      router: router, configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
      onServerRunning: { channel in if let port = channel.localAddress?.port { bound.yield(port) } }, logger: logger)
    let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: [application], logger: logger))
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask {
        defer { bound.finish() }
        try await group.run()
      }
      for await port in ports {
        try await body(receiver, port)
        break
      }
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
  }

  fileprivate func take(_ post: Post) -> Int {
    state.withLock { state in
      state.posts.append(post)
      return state.statuses.isEmpty ? 204 : state.statuses.removeFirst()
    }
  }

  private struct Recorder: RouterMiddleware {
    typealias Context = BasicRequestContext

    let receiver: AlertReceiver

    func handle(
      _ request: Request, context: BasicRequestContext,
      next: @concurrent (Request, BasicRequestContext) async throws -> Response
    ) async throws -> Response {
      let body = try await request.body.collect(upTo: 1 << 16)
      let status = receiver.take(
        Post(
          method: request.method.rawValue, target: request.uri.string,
          headers: request.headers.map { "\($0.name): \($0.value)" }.joined(separator: "\n"),
          body: String(buffer: body)))
      return Response(status: HTTPResponse.Status(code: status))
    }
  }
}
