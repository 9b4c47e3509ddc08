internal import CCrypto

/// Signs a message with a shared secret.
public enum HMACSHA256 {
  public static func sign(_ message: some Collection<UInt8>, key: some Collection<UInt8>) -> SHA256Digest {
    let key = Array(key)
    let message = Array(message)
    return SHA256Digest { output in
      let code = HMAC(
        EVP_sha256(), key, Int32(clamping: key.count), message, message.count,
        output.baseAddress?.assumingMemoryBound(to: UInt8.self), nil)
      precondition(code != nil, "libcrypto has no HMAC-SHA-256")
    }
  }
}
