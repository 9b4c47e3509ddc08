public import Ledger

/// What every ledger must do. A store's own tests run each case against it, on an empty place.
public struct LedgerConformance: Sendable {
  /// A statement that must hold.
  public struct Case: Sendable, CustomStringConvertible {
    public var name: String
    public var run: @Sendable (LedgerPlace) async throws -> Void

    public var description: String { name }
  }

  public static var cases: [Case] {
    admissions + fingerprints + merging + marks + refusals + outcomes + batches + largeBatches + places + rescues
      + parking + fairness
      + clocks + replies + watching + restarts + resolutions + retention + costs + budgeting
  }

  static func `case`(_ name: String, _ run: @escaping @Sendable (TestLedger) async throws -> Void) -> Case {
    Case(name: name) { place in
      let ledger = try await TestLedger(place)
      try await run(ledger)
      await ledger.close()
    }
  }
}

/// Where a store keeps its data.
public struct LedgerPlace: Sendable {
  /// Opens the store that lives here: the same data each time, one store at a time.
  public var open: @Sendable () async throws -> any LedgerStore

  public init(open: @escaping @Sendable () async throws -> any LedgerStore) {
    self.open = open
  }
}

/// A statement that did not hold.
public struct ConformanceFailure: Error, CustomStringConvertible {
  public var description: String
}

public func require(
  _ condition: Bool, _ text: @autoclosure () -> String = "", file: StaticString = #fileID, line: UInt = #line
) throws {
  if !condition { throw ConformanceFailure(description: "\(file):\(line): does not hold. \(text())") }
}

public func requireEqual<Value: Equatable>(
  _ found: Value, _ wanted: Value, file: StaticString = #fileID, line: UInt = #line
) throws {
  if found != wanted {
    throw ConformanceFailure(description: "\(file):\(line): found \(found), wanted \(wanted)")
  }
}

public func unwrap<Value>(_ value: Value?, file: StaticString = #fileID, line: UInt = #line) throws -> Value {
  guard let value else { throw ConformanceFailure(description: "\(file):\(line): found nil") }
  return value
}

/// Requires that the call fails for the reason.
public func requireError(
  _ reason: LedgerError.Reason, file: StaticString = #fileID, line: UInt = #line, _ body: () async throws -> Void
) async throws {
  do {
    try await body()
  } catch let error as LedgerError {
    return try requireEqual(error.reason, reason, file: file, line: line)
  }
  throw ConformanceFailure(description: "\(file):\(line): did not fail")
}
