/// How long the exchanges with an account may take.
public struct ProviderTimeouts: Hashable, Sendable {
  public var connect: Duration = .seconds(10)
  /// Without a byte in either direction, for transfers of files.
  public var idle: Duration = .seconds(60)
  /// For small operations: create, retrieve, cancel, list, delete.
  public var operation: Duration = .seconds(60)

  public init() {}
}
