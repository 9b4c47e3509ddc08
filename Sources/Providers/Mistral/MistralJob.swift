import BatchCore
import Wire

/// Reads a batch job. Everything but the id may be missing.
enum MistralJob {
  static func snapshot(_ job: JSONSlice) -> BatchSnapshot? {
    guard var snapshot = SnapshotParser.snapshot(job) else { return nil }
    snapshot.inputFileID = job["input_files"]?.elements.first { _ in true }?.string
    snapshot.outputFileID = id(job, "output_file")
    snapshot.errorFileID = id(job, "error_file")
    // What it calls completed has ended in either way.
    if let succeeded = job["succeeded_requests"]?.int64 {
      snapshot.counts?.completed = Int(clamping: max(0, succeeded))
    }
    return snapshot
  }

  private static func id(_ job: JSONSlice, _ name: String) -> String? {
    job[name]?.string.flatMap { $0.isEmpty ? nil : $0 }
  }
}
