import Glibc

/// What the kernel knows of this process, under the names that every exporter uses.
///
/// The files are of the kernel's memory, not of a disk: reading them blocks nobody.
enum ProcessMetrics {
  /// In seconds since 1970. Read once: the start of the process may not move when the clock is set.
  private static let boot = bootTime()

  static func write(to text: inout PrometheusText) {
    let stat = statFields()
    let ticks = Double(sysconf(CInt(_SC_CLK_TCK)))
    // Fields of /proc/self/stat counted from the one after the name: 11 user time, 12 system time, 17 threads,
    // 19 start, 20 virtual memory, 21 resident pages.
    if let user = field(stat, 11), let system = field(stat, 12), ticks > 0 {
      emit(
        "process_cpu_seconds_total", "counter", "User and system CPU time in seconds.", (user + system) / ticks, &text)
    }
    if let limit = maximumDescriptors() {
      emit("process_max_fds", "gauge", "Largest number of open file descriptors.", limit, &text)
    }
    if let count = openDescriptors() {
      emit("process_open_fds", "gauge", "Open file descriptors.", count, &text)
    }
    if let pages = field(stat, 21) {
      emit(
        "process_resident_memory_bytes", "gauge", "Resident memory in bytes.",
        pages * Double(sysconf(CInt(_SC_PAGESIZE))),
        &text)
    }
    if let start = field(stat, 19), let boot, ticks > 0 {
      emit(
        "process_start_time_seconds", "gauge", "Start of the process in seconds since 1970.", boot + start / ticks,
        &text)
    }
    if let threads = field(stat, 17) { emit("process_threads", "gauge", "Threads of the process.", threads, &text) }
    if let size = field(stat, 20) {
      emit("process_virtual_memory_bytes", "gauge", "Virtual memory in bytes.", size, &text)
    }
  }

  private static func emit(
    _ name: String, _ kind: String, _ help: String, _ value: Double, _ text: inout PrometheusText
  ) {
    text.header(name: name, kind: kind, help: help)
    text.sample(name: name, labels: [], value: value)
  }

  /// The fields after the name, which may itself hold blanks and brackets.
  private static func statFields() -> [Substring] {
    let stat = read("/proc/self/stat")
    guard let bracket = stat.lastIndex(of: ")") else { return [] }
    return stat[stat.index(after: bracket)...].split(separator: " ")
  }

  private static func field(_ fields: [Substring], _ index: Int) -> Double? {
    fields.indices.contains(index) ? Double(fields[index]) : nil
  }

  private static func bootTime() -> Double? {
    for line in read("/proc/stat").split(separator: "\n") where line.hasPrefix("btime ") {
      return Double(line.dropFirst(6))
    }
    return nil
  }

  private static func openDescriptors() -> Double? {
    guard let directory = opendir("/proc/self/fd") else { return nil }
    defer { closedir(directory) }
    var count = 0
    while readdir(directory) != nil { count += 1 }
    // Less the two entries of every directory and the descriptor that reads this one.
    return Double(max(0, count - 3))
  }

  private static func maximumDescriptors() -> Double? {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
    return Double(limit.rlim_cur)
  }

  private static func read(_ path: String) -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return "" }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16_384)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count <= 0 { return String(decoding: bytes, as: UTF8.self) }
      bytes += chunk[..<count]
    }
  }
}
