/// A validated part of a JSON document, by range: nothing is decoded or copied before it is asked for.
///
/// | input | what happens |
/// |---|---|
/// | empty or whitespace only | refused: unexpected end |
/// | byte order mark | skipped at the very beginning, refused elsewhere outside strings |
/// | CR, LF, CRLF | whitespace between tokens, refused in strings |
/// | NUL and other control characters | refused, but accepted as escapes |
/// | U+2028, U+2029, U+0085 | accepted in strings as they are, refused between tokens |
/// | invalid UTF-8 | refused, overlong forms and encoded surrogates too |
/// | deep nesting | refused beyond `maximumDepth` containers |
/// | huge numbers | accepted by grammar and passed through as bytes; `int64` and `double` are `nil` where they do not fit |
/// | duplicate keys | accepted and passed through; the subscript gives the last |
/// | escape of half a surrogate pair | accepted or refused, by `loneSurrogates`; `string` gives U+FFFD |
/// | bytes after the value | refused, other than whitespace |
public struct JSONSlice: Sendable {
  public enum Kind: Hashable, Sendable {
    case object
    case array
    case string
    case number
    case bool
    case null
  }

  /// What to do with `\ud800` without its other half. The grammar allows it, but no UTF-8 text can hold it.
  public enum LoneSurrogates: Hashable, Sendable {
    case accepted
    case refused
  }

  public let document: [UInt8]
  /// Without surrounding whitespace; quotes and brackets included.
  public let range: Range<Int>
  public let kind: Kind
  let traits: JSONTraits

  init(document: [UInt8], range: Range<Int>, traits: JSONTraits) {
    self.document = document
    self.range = range
    self.traits = traits
    kind = Self.kind(of: range.isEmpty ? UInt8(ascii: "n") : document[range.lowerBound])
  }

  /// Validates a whole document: structure, escapes, numbers, UTF-8 and depth.
  public static func parse(
    _ bytes: [UInt8], maximumDepth: Int = 64, loneSurrogates: LoneSurrogates = .accepted
  ) throws(JSONError) -> JSONSlice {
    let (range, traits) = try bytes.withUnsafeBufferPointer { (buffer) throws(JSONError) in
      var validator = JSONValidator(
        buffer, maximumDepth: maximumDepth, acceptsLoneSurrogates: loneSurrogates == .accepted)
      let range = try validator.validate()
      return (range, validator.traits)
    }
    return JSONSlice(document: bytes, range: range, traits: traits)
  }

  /// The bytes as they stand in the document.
  public var raw: ArraySlice<UInt8> { document[range] }

  /// The members of an object in order, duplicates included; nothing for other kinds.
  public var members: JSONMembers { JSONMembers(container: self) }

  /// The elements of an array in order; nothing for other kinds.
  public var elements: JSONElements { JSONElements(container: self) }

  /// The value of the last member with this key, `nil` if there is none or this is no object.
  public subscript(key: String) -> JSONSlice? {
    var last: JSONSlice?
    for member in members where member.isNamed(key) { last = member.value }
    return last
  }

  private static func kind(of byte: UInt8) -> Kind {
    switch byte {
    case UInt8(ascii: "{"): .object
    case UInt8(ascii: "["): .array
    case UInt8(ascii: "\""): .string
    case UInt8(ascii: "t"), UInt8(ascii: "f"): .bool
    case UInt8(ascii: "n"): .null
    default: .number
    }
  }
}
