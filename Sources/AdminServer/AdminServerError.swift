/// Why the endpoints cannot be served.
public struct AdminServerError: Error, Sendable, CustomStringConvertible {
  /// The key of the configuration that the address stands under.
  public let setting: String
  public let address: AdminConfiguration.Address
  /// What the system said, in words.
  public let reason: String

  public var description: String { "\(setting): cannot listen on \(address): \(reason)" }
}
