import Foundation
import Testing

@testable import Threading

@Suite(.timeLimit(.minutes(4))) struct BackgroundThreadsTests {
  private struct Place: Hashable, Sendable {
    var name: String
    var niceness: CInt

    /// Where the caller runs.
    static var now: Place {
      let name = try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)
      let status = try? String(contentsOfFile: "/proc/thread-self/stat", encoding: .utf8)
      // After the name, which is in brackets, the niceness is the 17th.
      let fields = status.flatMap { $0.split(separator: ")").last }?.split(separator: " ") ?? []
      return Place(
        name: name?.trimmingCharacters(in: .newlines) ?? "", niceness: fields.count > 16 ? CInt(fields[16]) ?? -99 : -99
      )
    }
  }

  @Test func tasksThatPreferThemRunThereAndTheOthersDoNot() async {
    let threads = BackgroundThreads(name: "bulk", count: 2)
    let own = Place.now
    for _ in 0..<100 {
      let place = await withTaskExecutorPreference(threads) {
        await Task.yield()
        return Place.now
      }
      #expect(place == Place(name: "bulk", niceness: ThreadPriority.background.niceness))
    }
    #expect(Place.now.name != "bulk" && Place.now.niceness == own.niceness)
  }

  @Test func childrenRunThereToo() async {
    let threads = BackgroundThreads(name: "bulk", count: 3)
    let places = await withTaskGroup(of: Place.self, returning: Set<Place>.self) { group in
      group.addTask(executorPreference: threads) {
        await withTaskGroup(of: Place.self) { inner in
          inner.addTask { Place.now }
          return await inner.next() ?? Place.now
        }
      }
      return await group.reduce(into: []) { $0.insert($1) }
    }
    #expect(places.map(\.name) == ["bulk"])
  }

  @Test func everyOneOfManyTasksRuns() async {
    let threads = BackgroundThreads(name: "bulk", count: 4)
    let runs = Locked(0)
    await withDiscardingTaskGroup { group in
      for _ in 0..<200 {
        group.addTask(executorPreference: threads) {
          for _ in 0..<100 {
            runs.withLock { $0 += 1 }
            await Task.yield()
          }
        }
      }
    }
    #expect(runs.withLock { $0 } == 20_000)
  }

  /// One job that takes long keeps no other thread from the next.
  @Test func aJobNeverWaitsBehindOneThatRuns() async {
    let threads = BackgroundThreads(name: "bulk", count: 2)
    let isOver = Locked(false)
    await withDiscardingTaskGroup { group in
      group.addTask(executorPreference: threads) { while !isOver.withLock({ $0 }) { usleep(1000) } }
      group.addTask(executorPreference: threads) {
        for _ in 0..<100 { await Task.yield() }
        isOver.withLock { $0 = true }
      }
    }
    #expect(isOver.withLock { $0 })
  }

  @Test func theThreadsEndWithIt() async throws {
    let name = "gone-\(getpid())"
    do {
      let threads = BackgroundThreads(name: name, count: 3)
      await withTaskExecutorPreference(threads) { await Task.yield() }
      #expect(Self.threads(named: name) > 0)
    }
    let clock = ContinuousClock()
    let end = clock.now + .seconds(60)
    while Self.threads(named: name) > 0, clock.now < end { try await Task.sleep(for: .milliseconds(5)) }
    #expect(Self.threads(named: name) == 0)
  }

  private static func threads(named name: String) -> Int {
    let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
    return tasks.count { id in
      let found = try? String(contentsOfFile: "/proc/self/task/\(id)/comm", encoding: .utf8)
      return found?.hasPrefix(name.prefix(15)) ?? false
    }
  }
}
