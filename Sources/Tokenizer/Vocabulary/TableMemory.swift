internal import Glibc

/// One zeroed stretch of memory that all tables of a vocabulary are cut from.
///
/// They are read at random, so most of the time would go into address translation: the kernel is asked for large pages.
final class TableMemory {
  private static let largePage = 1 << 21

  private let mapping: UnsafeMutableRawPointer
  private let mapped: Int
  private let end: UnsafeMutableRawPointer
  private var next: UnsafeMutableRawPointer

  init(bytes: Int) {
    let size = (bytes + Self.largePage - 1) & ~(Self.largePage - 1)
    // Larger by a page, so that there is an aligned start in it; what is never touched is never there.
    mapped = size + Self.largePage
    guard let mapping = mmap(nil, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      mapping != MAP_FAILED
    else { fatalError("no memory for the \(bytes) bytes of a token table") }
    self.mapping = mapping
    let start = mapping.alignedUp(toMultipleOf: Self.largePage)
    // It works without them too, only slower.
    _ = madvise(start, size, MADV_HUGEPAGE)
    next = start
    end = start + size
  }

  deinit { munmap(mapping, mapped) }

  /// What `take` uses up.
  static func size<Element: BitwiseCopyable>(_ type: Element.Type, _ count: Int) -> Int {
    (MemoryLayout<Element>.stride * count + 63) & ~63
  }

  /// All bits zero, on a cache line of its own.
  func take<Element: BitwiseCopyable>(_ type: Element.Type, _ count: Int) -> UnsafeMutablePointer<Element> {
    let size = Self.size(type, count)
    precondition(size <= end - next, "the token tables are larger than was said")
    defer { next += size }
    return next.bindMemory(to: type, capacity: count)
  }
}
