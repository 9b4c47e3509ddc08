import Wire

/// The members of an input line, the last of each name.
struct RowFields {
  var customID: JSONSlice?
  var method: JSONSlice?
  var url: JSONSlice?
  var body: JSONSlice?

  /// - Parameter isGemini: Whether there is a key and a request, and nothing else.
  init(_ row: JSONSlice, isGemini: Bool = false) {
    for member in row.members {
      if member.isNamed(isGemini ? "request" : "body") {
        body = member.value
      } else if member.isNamed(isGemini ? "key" : "custom_id") {
        customID = member.value
      } else if member.isNamed("method") {
        method = member.value
      } else if member.isNamed("url") {
        url = member.value
      }
    }
  }
}
