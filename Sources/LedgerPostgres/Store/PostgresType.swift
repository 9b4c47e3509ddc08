/// The types of parameters, by the numbers that every Postgres server has for them.
enum PostgresType: UInt32, Sendable {
  case bool = 16
  case bytea = 17
  case int8 = 20
  case int2 = 21
  case int4 = 23
  case text = 25

  /// The number of the type of an array with such elements.
  var array: UInt32 {
    switch self {
    case .bool: 1000
    case .bytea: 1001
    case .int2: 1005
    case .int4: 1007
    case .text: 1009
    case .int8: 1016
    }
  }
}
