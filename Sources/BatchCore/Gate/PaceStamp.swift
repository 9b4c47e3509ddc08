/// How much had been taken of each limit at a moment: what a provider's answer has to be compared with.
public struct PaceStamp: Hashable, Sendable, Codable {
  private var taken: [Double]

  public init(_ taken: (PaceResource) -> Double) {
    self.taken = PaceResource.allCases.map(taken)
  }

  public subscript(resource: PaceResource) -> Double {
    resource.rawValue < taken.count ? taken[resource.rawValue] : 0
  }
}
