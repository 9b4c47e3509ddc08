/// How to trust the broker, and how to be known to it.
public struct TLSConfiguration: Hashable, Sendable {
  /// PEM certificates of the authorities to trust. `nil` trusts those that the system trusts.
  public var caFile: String?
  /// PEM chain of the client's own certificate; goes with `keyFile`.
  public var certificateFile: String?
  /// PEM private key, without a passphrase.
  public var keyFile: String?
  /// Whether the certificate must be trusted and name the host. Off only for trials.
  public var verify: Bool

  public init(
    caFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil, verify: Bool = true
  ) {
    self.caFile = caFile
    self.certificateFile = certificateFile
    self.keyFile = keyFile
    self.verify = verify
  }
}
