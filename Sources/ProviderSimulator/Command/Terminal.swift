import Glibc

/// Lines for people.
enum Terminal {
  static func say(_ line: String) { write(line, to: STDOUT_FILENO) }

  static func complain(_ line: String) { write("provider-simulator: " + line, to: STDERR_FILENO) }

  private static func write(_ line: String, to descriptor: CInt) {
    // A closed terminal is no reason to stop.
    try? DescriptorIO.write(Array((line + "\n").utf8), to: descriptor, named: "the terminal")
  }
}
