/// Stored properties could not be read.
public enum PropertiesCodecError: Error, Hashable, Sendable, CustomStringConvertible {
  case unknownVersion(UInt8)
  /// The bytes end early or make no sense, at this index.
  case malformed(offset: Int)
  case tooDeep

  public var description: String {
    switch self {
    case .unknownVersion(let version): "stored properties have version \(version), which this version cannot read"
    case .malformed(let offset): "stored properties are damaged at byte \(offset)"
    case .tooDeep: "stored properties are nested deeper than \(PropertiesCodec.maximumDepth) levels"
    }
  }
}
