import Foundation

/// A directory that a test may fill; removed with all its content by ``remove()``.
struct Scratch {
  let path: String

  init() {
    var template = Array("/tmp/simulator-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { fatalError("cannot make a scratch directory") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  func file(_ name: String) -> String { "\(path)/\(name)" }

  func remove() {
    try? FileManager.default.removeItem(atPath: path)
  }
}
