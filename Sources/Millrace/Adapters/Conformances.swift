public import AMQP
public import Providers
public import Worker

// Both sides are ours, and their methods already have the port's shapes.
extension Publisher: ReplySink {}
extension OpenAIProvider: Provider {
  /// An account ends in the fingerprint of its key.
  public func holder(of account: String) -> (any Provider)? {
    guard let fingerprint = account.split(separator: " ").last, let holder = pinned(to: String(fingerprint)),
      holder.account == account
    else { return account == self.account ? self : nil }
    return holder
  }

  public func standIns(for account: String) -> [any Provider] {
    let place = account.split(separator: " ").dropLast()
    return withEachKey.filter { $0.account != account && $0.account.split(separator: " ").dropLast() == place }
  }
}
