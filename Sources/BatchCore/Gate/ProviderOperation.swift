/// What is asked of a provider in the batch lane. A provider that asks for a pause means the kind that it was asked.
public enum ProviderOperation: String, Hashable, Sendable, CaseIterable {
  case upload
  case create
  case poll
  case fetch
  case search
  case delete
  case cancel
}
