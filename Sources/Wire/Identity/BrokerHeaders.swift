/// Headers that a broker adds between publisher and consumer.
enum BrokerHeaders {
  private static let names: [[UInt8]] = [
    "x-death", "x-delivery-count", "x-acquired-count", "x-stream-offset",
  ].map { Array($0.utf8) }
  private static let prefixes: [[UInt8]] = ["x-first-death-", "x-last-death-"].map { Array($0.utf8) }

  static func contains(_ name: [UInt8]) -> Bool {
    names.contains(name) || prefixes.contains { name.starts(with: $0) }
  }
}
