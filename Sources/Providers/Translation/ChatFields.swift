import Wire

/// Members of an object that may stand there.
enum ChatFields {
  /// Refuses the first member that is not named and not null.
  static func only(_ names: Set<String>, of object: JSONSlice, _ field: String) throws(ChatRefusal) {
    guard object.kind == .object else { throw ChatRefusal(field, "is no object") }
    for member in object.members where !member.value.isNull && !names.contains(member.key) {
      throw ChatRefusal("\(field).\(member.key)", "has no counterpart at this provider")
    }
  }
}
