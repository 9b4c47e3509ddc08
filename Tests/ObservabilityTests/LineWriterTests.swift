import Dispatch
import Glibc
import Testing
import Threading

@testable import Observability

/// A pipe whose ends close with it.
private final class Pipe {
  let reading: CInt
  private(set) var writing: CInt

  init() {
    var ends: [CInt] = [-1, -1]
    precondition(pipe(&ends) == 0)
    (reading, writing) = (ends[0], ends[1])
  }

  func closeWriting() {
    if writing >= 0 { close(writing) }
    writing = -1
  }

  /// Everything up to the end, which `closeWriting` brings about. Read on a thread of its own, since it blocks.
  func readAll() -> OneShot<[UInt8]> {
    let result = OneShot<[UInt8]>()
    DispatchQueue.global().async { [reading] in
      var out: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 65_536)
      while true {
        let count = read(reading, &chunk, chunk.count)
        if count <= 0 { break }
        out += chunk[..<count]
      }
      result.succeed(out)
    }
    return result
  }

  deinit {
    closeWriting()
    close(reading)
  }
}

@Suite("Line writer", .timeLimit(.minutes(4)))
struct LineWriterTests {
  private func line(_ text: String) -> [UInt8] { Array((text + "\n").utf8) }

  @Test("lines of many tasks come out whole, each task's in order")
  func whole() async {
    let pipe = Pipe()
    let writer = LineWriter(form: .text, descriptor: pipe.writing, capacity: 16 << 20)
    let text = pipe.readAll()
    await withTaskGroup(of: Void.self) { group in
      for task in 0..<8 {
        group.addTask {
          for number in 0..<500 {
            let padding = String(repeating: "x", count: number * 7 % 9000)
            writer.write(line("\(task) \(number) \(padding)."), important: false)
          }
        }
      }
    }
    await writer.close(within: .seconds(30))
    #expect(writer.droppedLines == 0)
    pipe.closeWriting()
    var next = [Int](repeating: 0, count: 8)
    var torn = 0
    for line in await text.value.split(separator: UInt8(ascii: "\n")) {
      let parts = String(decoding: line, as: UTF8.self).split(separator: " ")
      guard parts.count == 3, let task = Int(parts[0]), let number = Int(parts[1]), next.indices.contains(task),
        parts[2] == String(repeating: "x", count: number * 7 % 9000) + "."
      else {
        torn += 1
        continue
      }
      if next[task] != number { torn += 1 }
      next[task] = number + 1
    }
    #expect(torn == 0)
    #expect(next == [Int](repeating: 500, count: 8))
  }

  @Test("a reader that stalls costs lines, not time, and is told how many")
  func stalled() async {
    let pipe = Pipe()
    let writer = LineWriter(form: .json, descriptor: pipe.writing, capacity: 10_000)
    let text = line(String(repeating: "x", count: 99))
    for _ in 0..<5000 { writer.write(text, important: false) }
    let dropped = writer.droppedLines
    // 64 KiB in the pipe, what the thread has taken, and what waits.
    #expect(dropped > 4000)
    writer.write(line("important"), important: true)
    #expect(writer.droppedLines == dropped)

    let read = pipe.readAll()
    await writer.close(within: .seconds(30))
    pipe.closeWriting()
    let out = String(decoding: await read.value, as: UTF8.self)
    let lines = out.split(separator: "\n")
    #expect(lines.count { $0 == "important" } == 1)
    #expect(lines.count { $0.hasPrefix("xxx") } == 5000 - dropped)
    // One notice, or several where the reader was slow rather than stopped.
    let told = lines.filter { $0.contains("\"lines\":") }.compactMap { line in
      line.split(separator: ":").last.flatMap { Int($0.dropLast()) }
    }
    #expect(told.reduce(0, +) == dropped)
  }

  @Test("closing does not wait for a reader that never comes back")
  func closeStalled() async {
    let pipe = Pipe()
    let writer = LineWriter(form: .json, descriptor: pipe.writing, capacity: 1 << 20)
    for _ in 0..<3000 { writer.write(line(String(repeating: "x", count: 99)), important: false) }
    let start = ContinuousClock.now
    await writer.close(within: .milliseconds(50))
    #expect(ContinuousClock.now - start < .seconds(20))
    #expect(writer.droppedLines > 1000)
    writer.write(line("late"), important: true)
    await writer.flush()
    await writer.close()
  }

  @Test("a descriptor that refuses lines ends nothing")
  func refused() async {
    let writer = LineWriter(form: .json, descriptor: -1, capacity: 1000)
    writer.write(line("a"), important: false)
    await writer.close()
    // A read-only descriptor: every write fails.
    let null = open("/dev/null", O_RDONLY)
    let other = LineWriter(form: .json, descriptor: null, capacity: 1000)
    other.write(line("a"), important: false)
    other.write(line("b"), important: false)
    await other.flush()
    #expect(other.droppedLines == 2)
    await other.close()
    close(null)
  }

  @Test("a flush waits for what was written before")
  func flush() async {
    let pipe = Pipe()
    let writer = LineWriter(form: .json, descriptor: pipe.writing)
    for round in 0..<50 {
      writer.write(line("\(round)"), important: false)
      await writer.flush()
      var chunk = [UInt8](repeating: 0, count: 64)
      var waiting = pollfd(fd: pipe.reading, events: Int16(POLLIN), revents: 0)
      #expect(poll(&waiting, 1, 0) == 1)
      let count = read(pipe.reading, &chunk, 64)
      #expect(Array(chunk[..<count]) == line("\(round)"))
    }
    await writer.close()
  }
}
