import Foundation

/// Certificates made with the `openssl` command, in a folder of their own.
struct Certificates {
  static let hasOpenSSL = FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl")
  static let hasNode = ["/usr/bin/node", "/usr/local/bin/node"].contains {
    FileManager.default.isExecutableFile(atPath: $0)
  }

  let folder: String
  var authority: String { folder + "/ca.pem" }
  var otherAuthority: String { folder + "/other.pem" }

  init() throws {
    folder = FileManager.default.temporaryDirectory.path + "/curlhttp-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for name in ["ca", "other"] {
      try openssl([
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
        "-subj", "/CN=Test \(name)", "-keyout", "\(folder)/\(name).key", "-out", "\(folder)/\(name).pem",
      ])
    }
    for (name, alternative) in [("server", "DNS:localhost,IP:127.0.0.1"), ("elsewhere", "DNS:elsewhere.example")] {
      try "subjectAltName=\(alternative)".write(toFile: "\(folder)/\(name).ext", atomically: true, encoding: .utf8)
      try openssl([
        "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=\(name)",
        "-keyout", "\(folder)/\(name).key", "-out", "\(folder)/\(name).csr",
      ])
      try openssl([
        "x509", "-req", "-in", "\(folder)/\(name).csr", "-CA", authority, "-CAkey", "\(folder)/ca.key", "-days", "2",
        "-CAcreateserial", "-extfile", "\(folder)/\(name).ext", "-out", "\(folder)/\(name).pem",
      ])
    }
  }

  func remove() { try? FileManager.default.removeItem(atPath: folder) }

  private func openssl(_ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["openssl"] + arguments
    process.standardError = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw TestConnection.Failure(what: "openssl \(arguments[0])") }
  }
}

/// A server program that prints a line with its port when it is ready.
final class ServerProgram {
  let port: Int
  private let process = Process()

  /// - Parameter marker: What stands before the port in the line that says that the program listens.
  init(_ arguments: [String], marker: String) throws {
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    // It must not see the end of an input, which ends `openssl s_server`.
    process.standardInput = Pipe()
    try process.run()
    var seen = ""
    while true {
      let data = output.fileHandleForReading.availableData
      if data.isEmpty { throw TestConnection.Failure(what: "\(arguments[0]) did not start: \(seen)") }
      seen += String(decoding: data, as: UTF8.self)
      if let range = seen.range(of: marker), seen[range.upperBound...].contains("\n"),
        let port = Int(seen[range.upperBound...].prefix { $0.isNumber })
      {
        self.port = port
        return
      }
    }
  }

  func stop() {
    // The program inherits the signals that the calling thread blocks, so that it may not notice a polite one.
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }
}
