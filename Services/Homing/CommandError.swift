internal import Wire

/// Why a command ends without success: a sentence for a person, a kind and a code for a script.
struct CommandError: Error, Hashable {
  enum Kind: String {
    /// The command line, or what it names in the request, is wrong.
    case usage
    /// A file cannot be read or written.
    case file
    /// No connection to the target, or the one there was is lost.
    case connection
    /// The call ended with a status other than OK.
    case status
    /// A health check found something else than SERVING.
    case unhealthy
  }

  let kind: Kind
  let message: String
  /// What a call ended with; only for `status`.
  var status: RPCError?

  static func usage(_ message: String) -> CommandError {
    CommandError(kind: .usage, message: message)
  }

  static func file(_ message: String) -> CommandError {
    CommandError(kind: .file, message: message)
  }

  /// A call's error, told apart: whether the server said it, or there was no way to the server.
  static func call(_ error: RPCError, _ target: String) -> CommandError {
    let hadNoConnection = error.code == .deadlineExceeded && error.wasNotLookedAt
    if !error.isFromPeer && (error.code == .unavailable || hadNoConnection) {
      // The runtime may name the target too.
      let prefix = "\(target): "
      let hasPrefix = error.message.hasPrefix(prefix)
      let reason = hasPrefix ? String(error.message.dropFirst(prefix.count)) : error.message
      return CommandError(
        kind: .connection,
        message: Printable.text("no connection to \(target): \(reason)\(hint(for: reason))"),
        status: error)
    }
    let message = Printable.text(error.message)
    return CommandError(
      kind: .status, message: message.isEmpty ? "\(error.code)" : "\(error.code): \(message)",
      status: error)
  }
}

extension CommandError {
  /// What an alert of the server's TLS means to a person. In TLS 1.3 a client learns only by it
  /// that the server has judged his certificate (proto/README.md §1).
  private static func hint(for reason: String) -> String {
    let alerts = [
      "unknown ca", "bad certificate", "certificate required", "certificate expired",
      "certificate unknown", "unsupported certificate", "certificate revoked",
    ]
    let isAboutUs = reason.contains("alert") && alerts.contains { reason.contains($0) }
    return isAboutUs ? "; the server refuses our certificate" : ""
  }
}

/// The numbers a command ends with.
enum ExitStatus {
  static let usage: Int32 = 1
  static let connection: Int32 = 2
  /// A status' number is added.
  static let statusBase: Int32 = 64

  static func code(of error: CommandError) -> Int32 {
    switch error.kind {
    case .usage, .file: usage
    case .connection: connection
    case .status, .unhealthy:
      statusBase + (error.status?.code.rawValue ?? RPCError.Code.unknown.rawValue)
    }
  }

  /// What `homing help exit-codes` prints.
  ///
  /// Lines stay below 80 columns, where ArgumentParser would break them.
  static let text = """
    call, list, describe, bench, certs:
      0       done
      1       usage: command line, JSON, file, unknown service, method or field
      2       connection: name unknown, refused, timed out, TLS failed, lost
      64 + N  the call ended with status number N: 69 is NOT_FOUND (5)

    health:
      0       SERVING
      1       usage
      2       connection
      3       the check itself failed or timed out
      4       any status but SERVING

    Status numbers:
      CANCELLED 1, UNKNOWN 2, INVALID_ARGUMENT 3, DEADLINE_EXCEEDED 4,
      NOT_FOUND 5, ALREADY_EXISTS 6, PERMISSION_DENIED 7,
      RESOURCE_EXHAUSTED 8, FAILED_PRECONDITION 9, ABORTED 10,
      OUT_OF_RANGE 11, UNIMPLEMENTED 12, INTERNAL 13, UNAVAILABLE 14,
      DATA_LOSS 15, UNAUTHENTICATED 16
    """
}
