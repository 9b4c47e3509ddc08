// What the comparison and the benchmark beside this drive. Texts come as files of frames: a length (u32, little-endian)
// and as many bytes.
//
//   TokenProbe ids ENCODING FILE           the ids of each text as a frame of u32, to stdout
//   TokenProbe time ENCODING SECONDS FILE  the least nanoseconds of a pass over all texts, to ids and as counts; the tokens
//   TokenProbe load ENCODING               milliseconds to make the tables, and their resident memory in bytes
import Glibc
import Tokenizer

func readFrames(_ path: String) -> [[UInt8]] {
  guard let file = fopen(path, "rb") else { fatalError("\(path) cannot be read") }
  defer { fclose(file) }
  var frames: [[UInt8]] = []
  var length: UInt32 = 0
  while fread(&length, 4, 1, file) == 1 {
    var frame = [UInt8](repeating: 0, count: Int(UInt32(littleEndian: length)))
    if !frame.isEmpty, fread(&frame, 1, frame.count, file) != frame.count { fatalError("\(path) is cut") }
    frames.append(frame)
  }
  return frames
}

func residentBytes() -> Int {
  guard let file = fopen("/proc/self/statm", "r") else { return 0 }
  defer { fclose(file) }
  var line = [CChar](repeating: 0, count: 128)
  guard fgets(&line, 128, file) != nil else { return 0 }
  let words = String(decoding: line.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ")
  return words.count > 1 ? (Int(words[1]) ?? 0) * 4096 : 0
}

func passTime(_ seconds: Double, _ pass: () -> Void) -> Int64 {
  let clock = ContinuousClock()
  let stop = clock.now + .seconds(seconds)
  var least = Duration.seconds(3600)
  repeat { least = min(least, clock.measure(pass)) } while clock.now < stop
  return Int64(least / .nanoseconds(1))
}

let arguments = CommandLine.arguments
guard arguments.count >= 3, let name = TokenEncoding(rawValue: arguments[2]) else {
  fatalError("usage: see the head of this file")
}
switch arguments[1] {
case "ids":
  let encoding = BytePairEncoding(name)
  guard let output = fdopen(1, "wb") else { fatalError("nowhere to write to") }
  for frame in readFrames(arguments[3]) {
    var ids = frame.withUnsafeBufferPointer { encoding.ids($0) }
    let count = frame.withUnsafeBufferPointer { encoding.count($0) }
    if count != ids.count { fatalError("count says \(count) where there are \(ids.count) ids") }
    ids.insert(UInt32(count * 4), at: 0)
    fwrite(ids, 4, ids.count, output)
  }
  fclose(output)
case "time":
  let encoding = BytePairEncoding(name)
  let frames = readFrames(arguments[4])
  let seconds = Double(arguments[3]) ?? 1
  var tokens = 0
  let toIDs = passTime(seconds) {
    tokens = frames.reduce(0) { sum, frame in sum + frame.withUnsafeBufferPointer { encoding.ids($0).count } }
  }
  let toCount = passTime(seconds) {
    tokens = frames.reduce(0) { sum, frame in sum + frame.withUnsafeBufferPointer { encoding.count($0) } }
  }
  print(toIDs, toCount, tokens)
case "load":
  let before = residentBytes()
  let clock = ContinuousClock()
  var encoding: BytePairEncoding?
  let time = clock.measure { encoding = BytePairEncoding(loading: name) }
  print(Double(time / .microseconds(1)) / 1000, residentBytes() - before, encoding.map { _ in 1 } ?? 0)
default: fatalError("usage: see the head of this file")
}
