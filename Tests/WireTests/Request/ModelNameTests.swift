import BatchCore
import Testing
import Wire

@Suite struct ModelNameTests {
  /// No store keeps such a text, so a request with it would be tried for ever.
  @Test func aNullCharacterIsRefused() {
    var options = Fixtures.options
    options.isKnownModel = { _ in true }
    let delivery = Fixtures.delivery(#"{"model": "gpt-\u0000x", "messages": []}"#)
    #expect(Fixtures.decode(delivery, options: options).poison?.failure.code == .invalidRequest)
  }
}
