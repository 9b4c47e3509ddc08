import Ledger
import Threading
import Worker

/// Puts failpoints around every call that the worker makes to ledger and providers, where any are armed.
enum FailpointPorts {
  static func around(_ ledger: any LedgerStore) -> any LedgerStore {
    #if FAILPOINTS
      if Failpoints.isArmed { return FailpointLedger(ledger: ledger) }
    #endif
    return ledger
  }

  static func around(_ provider: any Provider) -> any Provider {
    #if FAILPOINTS
      if Failpoints.isArmed { return FailpointProvider(provider: provider) }
    #endif
    return provider
  }
}
