/// One value as text, with what an error may say about it.
struct Scalar {
  /// How much of a value may be shown.
  enum Secrecy {
    case open
    /// A URL, of which the password and the query are hidden.
    case url
    case secret
  }

  /// The value after interpolation.
  var text: String
  /// What an error shows.
  var shown: String
  var origin: SettingsError.Problem.Origin

  /// What may be shown of a text as it stands in the file or the environment, before interpolation: what a variable
  /// holds is never shown, as it may be a secret wherever it is used.
  static func shown(_ raw: String, _ secrecy: Secrecy) -> String {
    switch secrecy {
    case .open: raw
    case .url: ConnectionURL(raw).redacted
    case .secret: Interpolation.soleVariable(raw) == nil ? "***" : raw
    }
  }
}
