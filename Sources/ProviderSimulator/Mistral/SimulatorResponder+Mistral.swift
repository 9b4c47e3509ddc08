import BatchCore
import Hummingbird
import Wire

extension SimulatorResponder {
  /// A page of jobs, newest first.
  func listJobs(_ query: Query, _ caller: Credentials.Caller) throws -> Response {
    let lag = settings.behaviour.listLagMs
    let oldest = query["created_after"].flatMap { RFC3339.parse($0) }
    let (all, _) = catalog.lookAtBatches(
      project: caller.project, after: nil, limit: .max,
      visibleBefore: lag == 0 ? .max : WallClock.seconds - lag / 1000)
    let jobs = all.filter { job, _ in
      job.isMistral && query["model"].map { $0 == job.model } ?? true
        && oldest.map { Int64(job.createdAt) * 1000 > $0.milliseconds } ?? true
    }
    let page = try Self.page(of: jobs, query)
    return Reply.json(
      Self.page(total: jobs.count) { writer in
        for (job, hidesFiles) in page {
          job.write(into: &writer, behaviour: settings.behaviour, hidesFiles: hidesFiles)
        }
      })
  }

  /// A page of files, newest first.
  func listMistralFiles(_ query: Query, _ caller: Credentials.Caller) throws -> Response {
    let files = catalog.files(project: caller.project, now: WallClock.seconds).reversed().filter { file in
      query["purpose"].map { $0 == file.purpose } ?? true
        && query["search"].map { file.filename.contains($0) } ?? true
    }
    let page = try Self.page(of: files, query)
    return Reply.json(
      Self.page(total: files.count) { writer in
        for file in page { file.write(into: &writer, now: WallClock.milliseconds, .mistral) }
      })
  }

  static let mistralModels = object { writer in
    writer.beginObject()
    writer.field("object", "list")
    writer.key("data")
    writer.beginArray()
    for name in ModelPrice.table.keys.sorted() where name.hasPrefix("mistral-") {
      writer.beginObject()
      writer.field("id", name)
      writer.field("object", "model")
      writer.field("created", 1_700_000_000)
      writer.field("owned_by", "mistralai")
      writer.field("type", "base")
      writer.key("capabilities")
      writer.beginObject()
      writer.key("completion_chat")
      writer.bool(!name.hasSuffix("embed"))
      writer.endObject()
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
  }

  private static func page<Element>(of list: [Element], _ query: Query) throws -> ArraySlice<Element> {
    let size = try query.number("page_size", 1...100, default: 100)
    let page = try query.number("page", 0...1_000_000, default: 0)
    return list.dropFirst(page * size).prefix(size)
  }

  private static func page(total: Int, _ write: (inout JSONWriter) -> Void) -> [UInt8] {
    object { writer in
      writer.beginObject()
      writer.field("object", "list")
      writer.field("total", total)
      writer.key("data")
      writer.beginArray()
      write(&writer)
      writer.endArray()
      writer.endObject()
    }
  }
}

extension StoredFile {
  /// What Mistral shows of a file and others do not.
  func writeMistralFields(into writer: inout JSONWriter) {
    writer.field("sample_type", purpose == "batch_output" ? "batch_result" : "batch_request")
    writer.field("source", purpose == "batch_output" ? "mistral" : "upload")
    writer.field("mimetype", "application/jsonl")
    writer.key("num_lines")
    writer.null()
  }
}

extension IDSource {
  /// An id in the form of a UUID.
  func nextUUID() -> String {
    let digits = String(decoding: Bytes.hex(Bytes.sha256(Array(next().utf8)).prefix(16)), as: UTF8.self)
    var parts: [String] = []
    var rest = digits[...]
    for length in [8, 4, 4, 4, 12] {
      parts.append(String(rest.prefix(length)))
      rest = rest.dropFirst(length)
    }
    return parts.joined(separator: "-")
  }
}
