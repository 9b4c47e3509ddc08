import Threading

/// Uploads that were begun and are not finished. A restart forgets them.
final class GeminiUploads: Sendable {
  struct Upload: Sendable {
    /// Of whoever began it.
    var key: String
    var displayName: String
    /// What was announced.
    var bytes: Int
    var fileID: String
    var descriptor: CInt
    var received = 0
  }

  static let most = 1000
  private let uploads = Locked<[String: Upload]>([:])

  /// Returns whether there was room.
  func put(_ upload: Upload, as id: String) -> Bool {
    uploads.withLock { uploads in
      guard uploads.count < Self.most else { return false }
      uploads[id] = upload
      return true
    }
  }

  /// One at a time has it; it is put back if there is more to come.
  func take(_ id: String) -> Upload? { uploads.withLock { $0.removeValue(forKey: id) } }

  /// The key that needs not be sent again.
  func key(of route: Route) -> String? {
    guard case .gemini(.uploadChunk(let id)) = route else { return nil }
    return uploads.withLock { $0[id]?.key }
  }
}
