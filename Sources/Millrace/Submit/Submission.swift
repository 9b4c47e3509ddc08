import AMQP
import ArgumentParser
import BatchCore
import Glibc
import Logging
import Settings
import Threading
import Wire

/// One run of `submit`: publishes the lines, collects the replies, and shows how far it is.
struct Submission: Sendable {
  struct Outcome: Sendable {
    var isSuccess: Bool
    var lines: [String]
  }

  private let command: Submit
  private let names: AMQPSettings.Names
  /// Names this run: correlation ids are `<run>-<line>`, so that a reply of another run is never taken for ours.
  private let runID: String
  private let publisher: Publisher
  private let replies: Consumer
  private let replyQueue: String
  private let tally: SubmitTally

  private static let chunkLines = 500

  init(_ command: Submit, _ settings: MillraceSettings) throws {
    self.command = command
    tally = SubmitTally(models: settings.modelCatalog)
    let settings = settings.amqp
    names = settings.names
    runID = String(UInt64.random(in: 1 << 60 ... .max), radix: 36)
    replyQueue = "millrace.submit.\(runID)"
    // The command talks to a person by its progress line; the log of the links would tear it.
    let silent = Logger(label: "submit") { _ in SwiftLogNoOpLogHandler() }
    publisher = Publisher(configuration: try settings.connection(named: "submit"), logger: silent)
    replies = Consumer(
      configuration: try settings.connection(named: "submit replies"), source: .temporary(name: replyQueue),
      prefetch: 1000, maxUnackedBytes: 64 << 20, logger: silent)
  }

  func run() async -> Outcome {
    let started = ContinuousClock.now
    let failure = Locked<String?>(nil)
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await publisher.run() }
      group.addTask { await replies.run() }
      let work = Task {
        // Unstructured, since either half may end the other: the sender by a bad file, the collector by completion.
        await withTaskGroup(of: String?.self) { work in
          work.addTask { await send() }
          work.addTask { await collect() }
          while let problem = await work.next() {
            guard let problem else { continue }
            failure.withLock { $0 = $0 ?? problem }
            replies.finishDelivering()
            work.cancelAll()
          }
        }
      }
      await watch(work, since: started, failure)
      await replies.stop()
      await publisher.stop()
      group.cancelAll()
    }
    let snapshot = tally.snapshot
    var lines = SubmitSummary(tally: snapshot, elapsed: ContinuousClock.now - started).lines
    let problem = failure.withLock { $0 }
    if let problem { lines.append("submit: \(problem)") }
    return Outcome(isSuccess: problem == nil && snapshot.isComplete && snapshot.failed == 0, lines: lines)
  }

  /// Publishes the file. Returns what went wrong, or nil.
  private func send() async -> String? {
    do {
      // Before the broker is waited for: a name that is wrong is told at once.
      var file = try LineFile(path: command.file)
      guard await isListening() else { return nil }
      var number = 0
      while let lines = try file.next() {
        for start in stride(from: 0, to: lines.count, by: Self.chunkLines) {
          let part = lines[start..<min(start + Self.chunkLines, lines.count)]
          if let problem = await publish(part, from: number) { return problem }
          number += part.count
          if Task.isCancelled { return nil }
        }
      }
      tally.sendingDone()
      if tally.snapshot.isComplete { replies.finishDelivering() }
      return number == 0 ? "\(command.file) holds no line; nothing was sent" : nil
    } catch {
      return "\(error)"
    }
  }

  /// Replies must have their queue before the first request is sent.
  private func isListening() async -> Bool {
    for await state in replies.updates() {
      if case .connected = state { return true }
      if Task.isCancelled { return false }
    }
    return false
  }

  private func publish(_ lines: ArraySlice<[UInt8]>, from number: Int) async -> String? {
    let lanes = lines.indices.map { command.lane.lane(ofLine: number + $0 - lines.startIndex) }
    var waiting = zip(lines.indices, lines).map { index, line in
      message(line, number: number + index - lines.startIndex, lane: lanes[index - lines.startIndex])
    }
    tally.sending(lanes, at: .now)
    while !waiting.isEmpty {
      let outcomes = await publisher.publish(waiting)
      var again: [OutboundMessage] = []
      for (message, outcome) in zip(waiting, outcomes) {
        switch outcome {
        case .confirmed: break
        // The same message_id: should the first have arrived, the service knows it.
        case .refused, .unknown: again.append(message)
        case .returned(_, let text):
          return
            "the exchange \(names.requestsExchange) routes to no queue (\(text)); has the service been started once?"
        case .rejected(let code, let text):
          return "the broker refuses a request: \(code) \(text)"
        }
      }
      waiting = again
      if Task.isCancelled { return nil }
      if !waiting.isEmpty { try? await Task.sleep(for: .milliseconds(200)) }
    }
    return nil
  }

  private func message(_ line: [UInt8], number: Int, lane: Lane) -> OutboundMessage {
    var properties = MessageProperties()
    let id = Array("\(runID)-\(number)".utf8)
    properties.contentType = Array("application/json".utf8)
    properties.deliveryMode = 2
    properties.correlationID = id
    properties.messageID = id
    properties.replyTo = Array(replyQueue.utf8)
    properties.appID = Array("millrace submit".utf8)
    var headers = FieldTable()
    if let tenant = command.tenant { headers["x-tenant"] = .string(tenant) }
    if let deadline = command.deadlineMs { headers["x-deadline-ms"] = .int64(Int64(deadline)) }
    if !headers.isEmpty { properties.headers = headers }
    return OutboundMessage(
      exchange: names.requestsExchange, routingKey: Array("\(lane.name).submit".utf8), properties: properties,
      body: line)
  }

  /// Counts and writes replies until every line has one.
  private func collect() async -> String? {
    let writer: ReplyWriter
    do {
      writer = try ReplyWriter(path: command.output)
    } catch {
      return "\(error)"
    }
    while let deliveries = await replies.next() {
      let now = ContinuousClock.now
      for delivery in deliveries {
        guard let line = lineNumber(delivery), let reply = try? ReplyDecoder.decode(delivery.body) else { continue }
        if tally.answered(line, reply, at: now), let problem = writer.write(delivery.body) { return problem }
      }
      replies.settle(deliveries.map { Settlement($0.token, .ack) })
      if tally.snapshot.isComplete { replies.finishDelivering() }
    }
    return nil
  }

  private func lineNumber(_ delivery: Delivery) -> Int? {
    guard let id = delivery.properties.correlationID, id.starts(with: "\(runID)-".utf8) else { return nil }
    return Int(String(decoding: id.dropFirst(runID.utf8.count + 1), as: UTF8.self))
  }

  /// Draws progress until the work ends, or until nothing has come for too long.
  private func watch(
    _ work: Task<Void, Never>, since started: ContinuousClock.Instant, _ failure: Locked<String?>
  ) async {
    let ended = Locked(false)
    let waiter = Task {
      // Unstructured: `watch` looks at the clock meanwhile.
      await work.value
      ended.withLock { $0 = true }
    }
    var progress = SubmitProgress(started: started)
    var lastChange = started
    var lastCount = -1
    while !ended.withLock({ $0 }) {
      let now = ContinuousClock.now
      let snapshot = tally.snapshot
      if snapshot.answered + snapshot.sent != lastCount {
        lastCount = snapshot.answered + snapshot.sent
        lastChange = now
      }
      progress.show(snapshot, at: now, note: linkNote)
      if command.timeout > 0, now - lastChange > .seconds(command.timeout) {
        failure.withLock { $0 = $0 ?? "no reply for \(command.timeout) s; is the service running? (millrace check)" }
        replies.finishDelivering()
        work.cancel()
      }
      try? await Task.sleep(for: progress.interval)
    }
    await waiter.value
    progress.finish()
  }

  private var linkNote: String? {
    if case .waiting(_, let error) = publisher.state { return "waiting for the broker: \(error)" }
    if case .waiting(_, let error) = replies.state { return "waiting for the broker: \(error)" }
    if case .blocked(let reason) = publisher.state { return "the broker has blocked publishing: \(reason)" }
    return nil
  }
}
