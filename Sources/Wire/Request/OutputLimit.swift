/// The most output tokens that a provider body allows.
public enum OutputLimit {
  /// Nil if the body names none, or names what is no number. Takes one pass over the body.
  public static func read(_ body: [UInt8]) -> Int64? {
    guard let object = try? JSONSlice.parse(body), object.kind == .object else { return nil }
    return BodyFields(object).outputLimits.lazy.compactMap { $0.value.int64 }.first
  }
}
