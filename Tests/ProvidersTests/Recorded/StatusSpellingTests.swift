import BatchCore
import Testing

@testable import Providers

/// The spellings of every status that a provider's batches were seen in.
@Suite(.timeLimit(.minutes(4)))
struct StatusSpellingTests {
  private static let openAI: [(String, BatchState)] = [
    ("validating", .queued), ("in_progress", .running), ("finalizing", .running), ("cancelling", .cancelling),
    ("completed", .completed), ("complete", .completed), ("failed", .failed), ("expired", .expired),
    ("cancelled", .cancelled),
    // Compatible servers.
    ("progress", .running), ("pending", .queued), ("running", .running),
  ]

  private static let anthropic: [(String, BatchState)] = [
    ("in_progress", .running), ("canceling", .cancelling), ("ended", .completed),
  ]

  private static let gemini: [(String, BatchState)] = [
    ("BATCH_STATE_PENDING", .queued), ("BATCH_STATE_RUNNING", .running), ("BATCH_STATE_SUCCEEDED", .completed),
    ("BATCH_STATE_FAILED", .failed), ("BATCH_STATE_CANCELLED", .cancelled), ("BATCH_STATE_EXPIRED", .expired),
    ("JOB_STATE_QUEUED", .queued), ("JOB_STATE_PENDING", .queued), ("JOB_STATE_RUNNING", .running),
    ("JOB_STATE_UPDATING", .running), ("JOB_STATE_PAUSED", .running), ("JOB_STATE_CANCELLING", .cancelling),
    ("JOB_STATE_SUCCEEDED", .completed), ("JOB_STATE_PARTIALLY_SUCCEEDED", .completed), ("JOB_STATE_FAILED", .failed),
    ("JOB_STATE_CANCELLED", .cancelled), ("JOB_STATE_EXPIRED", .expired),
  ]

  private static let mistral: [(String, BatchState)] = [
    ("QUEUED", .queued), ("RUNNING", .running), ("SUCCESS", .completed), ("FAILED", .failed),
    ("TIMEOUT_EXCEEDED", .expired), ("CANCELLATION_REQUESTED", .cancelling), ("CANCELLED", .cancelled),
  ]

  private func state(_ api: RecordedAPI, _ status: String) throws -> BatchState? {
    let text =
      switch api {
      case .openAI, .azure, .mistral: #"{"id":"b","status":"\#(status)"}"#
      case .anthropic: #"{"id":"b","processing_status":"\#(status)"}"#
      case .gemini: #"{"name":"batches/b","metadata":{"state":"\#(status)"}}"#
      }
    return try api.snapshot(text)?.state
  }

  /// Together, Novita and Azure write in capitals what OpenAI does not: no case means anything.
  @Test(arguments: [
    (RecordedAPI.openAI, openAI), (.azure, openAI), (.anthropic, anthropic), (.gemini, gemini), (.mistral, mistral),
  ])
  func inAnyCase(_ api: RecordedAPI, _ statuses: [(String, BatchState)]) throws {
    for (status, wanted) in statuses {
      let spellings = [
        status, status.uppercased(), status.lowercased(), status.prefix(1).uppercased() + status.dropFirst(),
      ]
      for spelling in spellings { #expect(try state(api, spelling) == wanted, "\(api) \(spelling)") }
    }
  }

  /// What no version knows yet keeps its name, and is not taken for an end.
  @Test(arguments: [RecordedAPI.openAI, .azure, .anthropic, .gemini, .mistral])
  func unknownStatusesSurvive(_ api: RecordedAPI) throws {
    for status in ["Quantum_Paused", "BATCH_STATE_DREAMING", "JOB_STATE_UNSPECIFIED", "BATCH_STATE_UNSPECIFIED", ""] {
      let found = try #require(try state(api, status))
      #expect(found == .unrecognised(status))
      #expect(!found.isTerminal)
    }
  }
}
