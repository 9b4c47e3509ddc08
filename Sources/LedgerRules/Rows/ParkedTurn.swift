/// Where the turns of a line's tenants stand: they go on with this tenant, or the next by name.
package struct ParkedTurn: Equatable {
  package var tenant: String
  /// Whether its turn has begun, so that it gets no more credit.
  package var hasBegun: Bool

  package init(tenant: String, hasBegun: Bool) {
    self.tenant = tenant
    self.hasBegun = hasBegun
  }

  package static let start = ParkedTurn(tenant: "", hasBegun: false)
}
