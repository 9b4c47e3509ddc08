import Threading

/// Waits for an operation that cancellation does not end, but not beyond cancellation; nil then.
func abandoning<Value: Sendable>(_ operation: @escaping @Sendable () async -> Value) async -> Value? {
  let done = OneShot<Value?>()
  // Unstructured, since it may outlive its caller: what waits for the broker must not keep a drained worker from ending.
  // It ends with the connection that it waits for.
  Task { done.succeed(await operation()) }
  return await withTaskCancellationHandler {
    await done.value
  } onCancel: {
    done.succeed(nil)
  }
}
