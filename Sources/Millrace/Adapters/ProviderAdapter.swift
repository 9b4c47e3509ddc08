import BatchCore
import Providers
import Settings
import Worker

/// An adapter of a kind of provider: what the composition root needs of it beside the worker's port.
protocol ProviderAdapter: Provider {
  /// The same provider with the key of that fingerprint; nil if it is not configured.
  func pinned(to fingerprint: String) -> Self?
  /// The provider with each of its keys, in their order.
  var withEachKey: [Self] { get }
  /// Asks for something small, to see whether address and key are good.
  func probe() async throws(ProviderError)
}

extension ProviderAdapter {
  /// An account ends in the fingerprint of its key.
  func holder(of account: String) -> (any Provider)? {
    guard let fingerprint = account.split(separator: " ").last, let holder = pinned(to: String(fingerprint)),
      holder.account == account
    else { return account == self.account ? self : nil }
    return holder
  }

  func standIns(for account: String) -> [any Provider] {
    let place = account.split(separator: " ").dropLast()
    return withEachKey.filter { $0.account != account && $0.account.split(separator: " ").dropLast() == place }
  }
}

extension OpenAIProvider: ProviderAdapter {}
extension AnthropicProvider: ProviderAdapter {}
extension GeminiProvider: ProviderAdapter {}
extension MistralProvider: ProviderAdapter {}
