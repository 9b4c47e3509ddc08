extension Duration {
  /// Stands for a pause that a provider asks for in a form that cannot be read: longer than any that is obeyed, so that it
  /// is treated as one of those.
  public static let unreadableRetryAfter = Duration.seconds(31 * 86_400)
}
