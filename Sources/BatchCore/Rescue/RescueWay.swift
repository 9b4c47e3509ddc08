/// How requests are saved that their batch will not bring in time.
public enum RescueWay: UInt8, Hashable, Sendable {
  /// The batch is cancelled and harvested; what it has not run is sent again, the endangered synchronously.
  case cancel = 1
  /// The endangered are sent synchronously while the batch runs on: they are paid twice, knowingly.
  case sendTwice = 2

  public var name: String {
    switch self {
    case .cancel: "cancel"
    case .sendTwice: "send_twice"
    }
  }
}
