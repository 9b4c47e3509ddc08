import Foundation
import Testing

/// The layers of the design, as imports: a module may import only what stands in its row. An arrow that is not here is a
/// change of the design, so it is made here in the same commit.
@Suite struct ArchitectureTests {
  static let allowed: [String: Set<String>] = [
    "BatchCore": [],
    "Tokenizer": [],
    "Wire": ["BatchCore"],
    "Threading": [],
    "AMQP": ["Wire", "Threading"],
    "CurlHTTP": ["Threading"],
    "Providers": ["BatchCore", "Wire"],
    "Ledger": ["BatchCore", "Wire"],
    "LedgerRules": ["Ledger", "BatchCore", "Wire", "Threading"],
    "LedgerSQLite": ["Ledger", "LedgerRules", "BatchCore", "Wire", "Threading"],
    "LedgerPostgres": ["Ledger", "LedgerRules", "BatchCore", "Wire", "Threading"],
    "Settings": [],
    "Observability": ["Threading"],
    "AdminServer": [],
    "Worker": ["BatchCore", "Wire", "Tokenizer", "Ledger", "Threading"],
    "Millrace": [
      "Worker", "AdminServer", "Providers", "AMQP", "CurlHTTP", "Ledger", "LedgerSQLite", "LedgerPostgres",
      "Observability", "Settings", "Threading", "Wire", "Tokenizer", "BatchCore",
    ],
    "ProviderSimulator": ["Wire", "Tokenizer", "BatchCore", "Threading"],
  ]

  /// Each C module is imported by one Swift module.
  static let ownersOfC: [String: Set<String>] = [
    "CRabbitMQ": ["AMQP"], "CCurl": ["CurlHTTP"], "CCrypto": ["Wire"], "CZlib": ["Wire"],
    "CPostgres": ["LedgerPostgres"], "CLinux": ["Threading"], "CTokenData": ["Tokenizer"], "CModels": ["Providers"],
  ]

  /// What a module may import from outside the package. Foundation only where a dependency brings it in anyway, and to
  /// LedgerPostgres for the JSON in which gates are kept: the executable has it from Hummingbird.
  static let foreign: [String: Set<String>] = [
    "BatchCore": [],
    "Tokenizer": ["Glibc"],
    "Wire": ["Synchronization"],
    "Threading": ["Glibc", "Synchronization"],
    "AMQP": ["Glibc", "Logging", "Synchronization"],
    "CurlHTTP": ["Glibc", "Synchronization"],
    "Providers": ["Synchronization"],
    "Ledger": [],
    "LedgerRules": [],
    "LedgerSQLite": ["GRDB", "GRDBSQLite", "Dispatch", "Glibc", "Synchronization"],
    "LedgerPostgres": ["FoundationEssentials", "Glibc", "Synchronization"],
    "Settings": ["Yams", "Glibc"],
    "Observability": ["CoreMetrics", "Metrics", "Logging", "Glibc", "Synchronization"],
    "AdminServer": [
      "Hummingbird", "HummingbirdCore", "HTTPTypes", "Logging", "ServiceLifecycle", "NIOCore", "NIOPosix", "Glibc",
    ],
    "Worker": [
      "DequeModule", "HeapModule", "OrderedCollections", "Logging", "Metrics", "CoreMetrics", "ServiceLifecycle",
      "Glibc", "Synchronization",
    ],
  ]

  struct Source {
    var module: String
    var path: String
    var text: String

    var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }

    var imports: [String] {
      lines.compactMap { line in
        let words = line.split(separator: " ")
        guard let keyword = words.firstIndex(of: "import"), keyword <= 2, words.count > keyword + 1,
          words[..<keyword].allSatisfy({ ["public", "internal", "@testable"].contains($0) })
        else { return nil }
        // `import struct Foundation.Data` names the module after the kind.
        let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
        let isOfKind = kinds.contains(words[keyword + 1]) && words.count > keyword + 2
        let name = words[keyword + (isOfKind ? 2 : 1)]
        return String(name.split(separator: ".")[0])
      }
    }
  }

  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  static func swiftFiles(in folder: String) throws -> [Source] {
    let base = root.appending(path: folder)
    let files = try #require(FileManager.default.enumerator(at: base, includingPropertiesForKeys: nil))
    return try files.compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }.map { file in
      let relative = Array(file.pathComponents.dropFirst(base.pathComponents.count))
      return Source(
        module: relative[0], path: folder + "/" + relative.joined(separator: "/"),
        text: try String(contentsOf: file, encoding: .utf8))
    }
  }

  @Test func importsFollowTheArrows() throws {
    let sources = try Self.swiftFiles(in: "Sources")
    #expect(sources.count > 100, "the sources were not found")
    let modules = Set(Self.allowed.keys)
    for source in sources {
      let arrows = try #require(Self.allowed[source.module], "\(source.module) has no row in the table of layers")
      for name in source.imports {
        if modules.contains(name) {
          #expect(arrows.contains(name), "\(source.path): \(source.module) must not import \(name)")
        } else if let owners = Self.ownersOfC[name] {
          #expect(owners.contains(source.module), "\(source.path): \(name) belongs to \(owners)")
        } else if let others = Self.foreign[source.module] {
          #expect(others.contains(name), "\(source.path): \(source.module) must not import \(name)")
        }
        #expect(name != "FoundationNetworking", "\(source.path): HTTP goes through CurlHTTP")
      }
    }
  }

  @Test func everyArrowIsDeclaredInTheManifest() throws {
    let manifest = try String(contentsOf: Self.root.appending(path: "Package.swift"), encoding: .utf8)
    for module in Self.allowed.keys {
      #expect(manifest.contains("\"\(module)\""), "\(module) is not in Package.swift")
    }
  }

  @Test func theLayersHaveNoCycle() {
    var finished: Set<String> = []
    var remaining = Self.allowed
    while !remaining.isEmpty {
      let free = remaining.filter { finished.isSuperset(of: $0.value) }.map(\.key)
      if free.isEmpty {
        Issue.record("a cycle among \(remaining.keys.sorted())")
        return
      }
      finished.formUnion(free)
      for name in free { remaining[name] = nil }
    }
  }

  @Test(arguments: ["Sources", "Tests"])
  func filesStayReadable(folder: String) throws {
    for source in try Self.swiftFiles(in: folder) {
      #expect(source.lines.count <= 400, "\(source.path) has \(source.lines.count) lines; 400 is the limit")
    }
  }
}
