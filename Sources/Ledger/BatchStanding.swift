public import BatchCore

/// How an account stands with its batches of one model: what is used, and what was learned.
public struct BatchStanding: Hashable, Sendable {
  public var account: String
  public var model: String
  /// Of all batches, the one that asked included.
  public var usage: BatchUsage
  public var lessons: BatchLessons
  /// Of the account.
  public var creates: CreateLesson?

  public init(
    account: String, model: String, usage: BatchUsage, lessons: BatchLessons, creates: CreateLesson?
  ) {
    self.account = account
    self.model = model
    self.usage = usage
    self.lessons = lessons
    self.creates = creates
  }
}

/// What a batch is told that asks for its place at the provider.
public struct BatchPlace: Hashable, Sendable {
  public var admission: BatchAdmission
  public var standing: BatchStanding

  public init(admission: BatchAdmission, standing: BatchStanding) {
    self.admission = admission
    self.standing = standing
  }
}
