import Wire

/// The members of an input line, the last of each name.
struct RowFields {
  var customID: JSONSlice?
  var method: JSONSlice?
  var url: JSONSlice?
  var body: JSONSlice?

  init(_ row: JSONSlice) {
    for member in row.members {
      if member.isNamed("body") {
        body = member.value
      } else if member.isNamed("custom_id") {
        customID = member.value
      } else if member.isNamed("method") {
        method = member.value
      } else if member.isNamed("url") {
        url = member.value
      }
    }
  }
}
