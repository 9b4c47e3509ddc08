// swift-tools-version: 6.2
import PackageDescription

let collections = Target.Dependency.product(name: "Collections", package: "swift-collections")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let sqlite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

let package = Package(
  name: "millrace",
  products: [
    .executable(name: "millrace", targets: ["Millrace"]),
    .executable(name: "provider-simulator", targets: ["ProviderSimulator"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    // C libraries. Each is imported by exactly one Swift module.
    .systemLibrary(name: "CRabbitMQ", pkgConfig: "librabbitmq", providers: [.apt(["librabbitmq-dev"])]),
    .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
    .target(name: "CLinux"),
    // Data as bytes of the program.
    .target(name: "CModels", exclude: ["models.tsv", "LICENSE-litellm.txt"]),
    .target(
      name: "CTokenData",
      exclude: ["cl100k_base.bin", "o200k_base.bin", "classes.bin", "LICENSE-tiktoken"]),

    // Pure: no IO, time passed in.
    .target(name: "BatchCore"),
    .target(name: "Tokenizer", dependencies: ["CTokenData"]),
    .target(name: "Wire", dependencies: ["BatchCore", "CCrypto", "CZlib"]),

    // Edges.
    .target(name: "Threading", dependencies: ["CLinux"]),
    .target(name: "AMQP", dependencies: ["Wire", "Threading", "CRabbitMQ", logging]),
    .target(name: "CurlHTTP", dependencies: ["Threading", "CCurl"]),
    .target(name: "Providers", dependencies: ["BatchCore", "Wire", "CModels"]),
    .target(name: "Ledger", dependencies: ["BatchCore", "Wire"]),
    .target(name: "LedgerRules", dependencies: ["Ledger", "BatchCore", "Wire", "Threading"]),
    .target(
      name: "LedgerSQLite", dependencies: ["Ledger", "LedgerRules", "BatchCore", "Wire", "Threading", grdb, sqlite]),
    .target(
      name: "LedgerPostgres", dependencies: ["Ledger", "LedgerRules", "BatchCore", "Wire", "Threading", "CPostgres"]),
    .target(name: "Settings", dependencies: [yams]),
    .target(name: "Observability", dependencies: ["Threading", logging, metrics]),
    .target(name: "AdminServer", dependencies: [hummingbird, logging, lifecycle]),

    // The pipeline, against ports.
    .target(
      name: "Worker",
      dependencies: [
        "BatchCore", "Wire", "Tokenizer", "Ledger", "Threading", collections, logging, metrics, lifecycle,
      ]),

    // Programs.
    .executableTarget(
      name: "Millrace",
      dependencies: [
        "Worker", "AdminServer", "Providers", "AMQP", "CurlHTTP", "Ledger", "LedgerSQLite", "LedgerPostgres",
        "Observability", "Settings", "Threading", "Wire", "Tokenizer", "BatchCore", arguments, lifecycle, signals,
        logging, metrics,
      ]),
    .executableTarget(
      name: "ProviderSimulator",
      dependencies: ["Wire", "Tokenizer", "BatchCore", "Threading", hummingbird, arguments, logging, lifecycle]),

    // Fakes, a clock that tests hold, and the suites that every ledger must pass.
    .target(
      name: "TestSupport",
      dependencies: ["BatchCore", "Wire", "Ledger", "Worker", "Threading"], path: "Tests/TestSupport"),
    .testTarget(name: "ArchitectureTests"),
    .testTarget(name: "BatchCoreTests", dependencies: ["BatchCore", collections]),
    .testTarget(name: "ThreadingTests", dependencies: ["Threading"]),
    .testTarget(name: "TokenizerTests", dependencies: ["Tokenizer"], exclude: ["Vectors"]),
    .testTarget(name: "WireTests", dependencies: ["Wire", "BatchCore"]),
    .testTarget(name: "AMQPTests", dependencies: ["AMQP", "Wire", "Threading", logging]),
    .testTarget(name: "CurlHTTPTests", dependencies: ["CurlHTTP", "Threading"]),
    .testTarget(name: "ProvidersTests", dependencies: ["Providers", "BatchCore", "Wire"]),
    .testTarget(
      name: "LedgerSQLiteTests",
      dependencies: [
        "LedgerSQLite", "LedgerRules", "Ledger", "BatchCore", "Wire", "Threading", "TestSupport", grdb,
      ]),
    .testTarget(
      name: "LedgerPostgresTests",
      dependencies: [
        "LedgerPostgres", "LedgerRules", "Ledger", "BatchCore", "Wire", "Threading", "TestSupport",
      ]),
    .testTarget(name: "SettingsTests", dependencies: ["Settings"]),
    .testTarget(name: "ObservabilityTests", dependencies: ["Observability", "Threading", logging, metrics]),
    .testTarget(name: "AdminServerTests", dependencies: ["AdminServer", hummingbird, logging, lifecycle]),
    .testTarget(
      name: "WorkerTests",
      dependencies: [
        "Worker", "Ledger", "LedgerRules", "LedgerSQLite", "LedgerPostgres", "BatchCore", "Wire", "Tokenizer",
        "Threading",
        "TestSupport", logging, metrics, lifecycle,
      ]),
    .testTarget(
      name: "MillraceTests",
      dependencies: [
        "Millrace", "Worker", "AdminServer", "Ledger", "BatchCore", "Settings", "Observability", "Tokenizer",
        hummingbird, metrics, lifecycle, logging,
      ]),
    .testTarget(
      name: "ProviderSimulatorTests",
      dependencies: [
        "ProviderSimulator", "Wire", "BatchCore", hummingbird, arguments, logging,
        .product(name: "HummingbirdTesting", package: "hummingbird"),
      ]),

    // The physical limit that the benchmarks compare with: plain C on librabbitmq.
    .executableTarget(
      name: "EchoReference", dependencies: ["CRabbitMQ"], path: "Tests/Benchmarks/EchoReference"),
    // What is compared with tiktoken and timed against it.
    .executableTarget(name: "TokenProbe", dependencies: ["Tokenizer"], path: "Tests/Tokens/TokenProbe"),
    // Damaged answers for every adapter.
    .executableTarget(
      name: "ParserFuzzer", dependencies: ["Providers", "BatchCore", "Wire"], path: "Tests/Fuzz/ParserFuzzer"),
  ],
  swiftLanguageModes: [.v6]
)

// The sanitizer run covers the modules that talk to C; the rest would only make it slow to build.
if Context.environment["MILLRACE_C_MODULES_ONLY"] != nil {
  let kept: Set<String> = [
    "CRabbitMQ", "CCurl", "CCrypto", "CZlib", "CPostgres", "CLinux", "BatchCore", "Wire", "Threading", "AMQP",
    "CurlHTTP",
    "Ledger", "LedgerRules", "LedgerPostgres", "AMQPTests", "CurlHTTPTests", "ThreadingTests", "LedgerPostgresTests",
    // What the suite that every ledger must pass is made of.
    "TestSupport", "Worker", "Tokenizer", "CTokenData",
  ]
  package.products = []
  package.targets.removeAll { !kept.contains($0.name) }
  package.dependencies.removeAll {
    guard case .sourceControl(_, let location, _) = $0.kind else { return false }
    let needed = ["swift-log", "swift-collections", "swift-metrics", "swift-service-lifecycle"]
    return !needed.contains { location.hasSuffix($0) }
  }
}

// C-facing modules additionally check that every unsafe use is marked.
let facesC: Set<String> = ["AMQP", "CurlHTTP", "LedgerPostgres", "Providers", "Threading"]
let isC: Set<String> = ["CLinux", "CModels", "CTokenData", "EchoReference"]

// Failpoints are for debug builds: a release has none.
let hasFailpoints: Set<String> = ["Threading", "ThreadingTests", "Millrace"]

for target in package.targets where target.type != .system && !isC.contains(target.name) {
  var settings = target.swiftSettings ?? []
  if hasFailpoints.contains(target.name) { settings.append(.define("FAILPOINTS", .when(configuration: .debug))) }
  settings += [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),  // SE-0335
    .enableUpcomingFeature("MemberImportVisibility"),  // SE-0444
    .enableUpcomingFeature("InternalImportsByDefault"),  // SE-0409
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),  // SE-0461
  ]
  if facesC.contains(target.name) { settings.append(.strictMemorySafety()) }  // SE-0458
  target.swiftSettings = settings
}
