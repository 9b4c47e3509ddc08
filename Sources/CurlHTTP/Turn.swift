/// What the callbacks of one turn of the client's thread share with the engine.
final class Turn {
  /// The time of the turn; read once, since callbacks come by the thousand.
  var now = Moment.now()
  /// Transfers whose sending is to be resumed after libcurl has returned, which a callback cannot do itself.
  var resumed: [Transfer] = []
}
