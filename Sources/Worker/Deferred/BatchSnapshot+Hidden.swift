import BatchCore

extension BatchSnapshot {
  /// Whether the provider counts more results than it shows, or counts and shows none.
  func hidesResults(seen: Int) -> Bool {
    guard let counts else { return state != .failed && outputFileID == nil && errorFileID == nil }
    return counts.ended > seen
  }
}

extension BatchSnapshot.Counts {
  /// The provider's numbers may be anything.
  var ended: Int {
    let (sum, overflow) = completed.addingReportingOverflow(failed)
    return overflow ? .max : sum
  }
}
