/// A call that waits for a budget.
package struct HeldRequest {
  package var id: Int64
  package var claims: [(key: String, amount: Int64)]

  package init(id: Int64, claims: [(key: String, amount: Int64)]) {
    self.id = id
    self.claims = claims
  }
}
