import Foundation
import Testing

@testable import LedgerPostgres

@Suite("Process identity", .timeLimit(.minutes(4)))
struct ProcessIdentityTests {
  /// Ours with other parts.
  private func identity(pid: String? = nil, start: String? = nil, boot: String? = nil, namespace: String? = nil)
    -> ProcessIdentity
  {
    var parts = ProcessIdentity.current.text.split(separator: ":").map(String.init)
    parts[0] = boot ?? parts[0]
    parts[1] = namespace ?? parts[1]
    parts[2] = pid ?? parts[2]
    parts[3] = start ?? parts[3]
    return ProcessIdentity(text: parts.joined(separator: ":"))
  }

  @Test("this process runs")
  func current() {
    #expect(ProcessIdentity.current.text.split(separator: ":").count == 4)
    #expect(!ProcessIdentity.current.hasEnded)
    #expect(!identity().hasEnded)
  }

  @Test("a number that another process has now is one that ended")
  func reused() {
    #expect(identity(start: "1").hasEnded)
    #expect(identity(pid: "999999999").hasEnded)
  }

  @Test("what this machine cannot tell has not ended")
  func unknown() {
    #expect(!identity(start: "1", boot: "another").hasEnded)
    #expect(!identity(start: "1", namespace: "another").hasEnded)
    #expect(!identity(start: "unknown").hasEnded)
    for text in ["", "a", ":::", "a:b:c:d", "a:b:-1:d", "a:b:99999999999999999999:d"] {
      #expect(!ProcessIdentity(text: text).hasEnded)
    }
    #expect(!identity(pid: "0", start: "1").hasEnded)
    #expect(!identity(pid: "-1", start: "1").hasEnded)
  }

  @Test("a process that ended is known to have, also while nobody has asked for its status")
  func ended() async throws {
    let child = Process()
    child.executableURL = URL(fileURLWithPath: "/bin/sh")
    child.arguments = ["-c", "read line"]
    let input = Pipe()
    child.standardInput = input
    try child.run()
    let stat = try String(contentsOfFile: "/proc/\(child.processIdentifier)/stat", encoding: .utf8)
    let fields = try #require(stat.split(separator: ")").last).split(separator: " ")
    let other = identity(pid: "\(child.processIdentifier)", start: String(fields[19]))
    #expect(!other.hasEnded)
    try input.fileHandleForWriting.close()
    child.waitUntilExit()
    #expect(other.hasEnded)
  }
}
