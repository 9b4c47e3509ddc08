extension TenancySettings {
  /// Reads the keys under `tenancy`.
  init(reading tenancy: Section) {
    self.init()
    source = tenancy.choice("source", source)
    weights = tenancy.section("weights") { table in
      Dictionary(table.names.map { ($0, table.whole($0, 1, 1...1000)) }, uniquingKeysWith: { _, last in last })
    }
  }
}
