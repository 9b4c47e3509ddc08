import ArgumentParser
import Glibc
import Tokenizer

struct Tokens: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Counts the tokens of files.",
    discussion: """
      Prints one number a file, in order: the tokens of its bytes, in which special tokens are ordinary text and what is no
      UTF-8 is read as U+FFFD. With --jsonl it prints one number a line of each file: a line that is a string or an object
      with text is that text, and one that is a request body, or a line of the OpenAI batch format, is counted as the
      provider counts its input, messages, tools and images included, by its own model unless --model or --encoding says
      otherwise. Blank lines are left out.

      A model whose tokenizer is not public is estimated, which is said on standard error.
      """)

  @Option(help: ArgumentHelp("Count as this model does, by the name that its provider gives it.", valueName: "name"))
  var model: String?

  @Option(help: "Count in this encoding; o200k_base without --model.")
  var encoding: EncodingName?

  @Flag(help: "Print the tokens themselves, as a JSON array.")
  var ids = false

  @Flag(help: "Count each line of the files, which are JSONL.")
  var jsonl = false

  @Argument(help: ArgumentHelp("What to count; standard input without it, and for -.", valueName: "file"))
  var files: [String] = []

  func validate() throws {
    if model != nil, encoding != nil {
      throw ValidationError("--model and --encoding are both given; send one of them")
    }
    if ids, let model, !ModelTokens.of(model).isExact {
      throw ValidationError(
        "--ids: the tokenizer of \(model) is not public, so its tokens are not known; use --encoding")
    }
  }

  func run() throws {
    signal(SIGPIPE, SIG_IGN)
    let counter = FileTokens(model: model, encoding: encoding?.encoding, ids: ids)
    if let note = counter.note { complain(note) }
    var output = LineOutput()
    do {
      for file in files.isEmpty ? ["-"] : files {
        if jsonl {
          try counter.forEachLine(of: file) { (line) throws(LineOutput.Closed) in try output.write(line) }
        } else {
          try output.write(try counter.line(of: file))
        }
      }
      try output.flush()
    } catch is LineOutput.Closed {
      // Whoever reads it has seen enough.
    } catch {
      try? output.flush()
      complain("\(error)")
      throw ExitStatus.failure
    }
  }
}

/// The encodings as the command line names them.
enum EncodingName: String, ExpressibleByArgument, CaseIterable {
  case cl100kBase = "cl100k_base"
  case o200kBase = "o200k_base"

  var encoding: TokenEncoding {
    switch self {
    case .cl100kBase: .cl100kBase
    case .o200kBase: .o200kBase
    }
  }
}
