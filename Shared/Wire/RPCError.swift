/// The outcome of a call that did not succeed: what travels as `Status`. Equal by code and message.
///
/// `proto/README.md` §4 says for each code who may try again.
public struct RPCError: Error, Hashable, Sendable, CustomStringConvertible {
  /// One of gRPC's status codes; a number outside the table counts as `unknown`.
  public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: Int32

    public init(rawValue: Int32) { self.rawValue = rawValue }

    /// Done. Never the code of a thrown error.
    public static let ok = Code(rawValue: 0)
    /// The caller gave up. Do not retry.
    public static let cancelled = Code(rawValue: 1)
    /// An error without a code of ours. Do not retry.
    public static let unknown = Code(rawValue: 2)
    /// Wrong whatever the state. Do not retry; mend the request.
    public static let invalidArgument = Code(rawValue: 3)
    /// The time was up; the call may have had its effect. Retry higher up if it is idempotent.
    public static let deadlineExceeded = Code(rawValue: 4)
    /// What was asked for does not exist. Do not retry.
    public static let notFound = Code(rawValue: 5)
    /// What was to be made exists. Do not retry.
    public static let alreadyExists = Code(rawValue: 6)
    /// The identity may not do this. Do not retry.
    public static let permissionDenied = Code(rawValue: 7)
    /// A limit, quota or queue is full. Retried by the binding where `retryAfter` is given.
    public static let resourceExhausted = Code(rawValue: 8)
    /// The state forbids it until somebody changes it. Do not retry.
    public static let failedPrecondition = Code(rawValue: 9)
    /// Lost against a concurrent change. Retry higher up: read again, then decide.
    public static let aborted = Code(rawValue: 10)
    /// Past the end. Do not retry.
    public static let outOfRange = Code(rawValue: 11)
    /// No such service or method here. Do not retry.
    public static let unimplemented = Code(rawValue: 12)
    /// The server broke its own promise; its log has the reason. Do not retry.
    public static let internalError = Code(rawValue: 13)
    /// Not now. Retried by the binding if the method is idempotent or the call was not looked at.
    public static let unavailable = Code(rawValue: 14)
    /// Stored data is damaged. Do not retry.
    public static let dataLoss = Code(rawValue: 15)
    /// The caller's identity is not acceptable. Do not retry.
    public static let unauthenticated = Code(rawValue: 16)

    private static let names = [
      "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
      "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
      "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
      "UNAUTHENTICATED",
    ]

    /// The code of that name in `proto/homing/rpc/v1/frame.proto`.
    public init?(name: String) {
      guard let index = Code.names.firstIndex(of: name) else { return nil }
      rawValue = Int32(index)
    }

    public var description: String {
      Code.names.indices.contains(Int(rawValue)) ? Code.names[Int(rawValue)] : "\(rawValue)"
    }

    var isKnown: Bool { Code.names.indices.contains(Int(rawValue)) }
  }

  /// One field of the request that was refused.
  public struct FieldViolation: Hashable, Sendable {
    /// Path from the request message, such as `lines[3].sku`.
    public var field: String
    /// The rule, the limit and the size of the value; never the value.
    public var detail: String

    public init(field: String, detail: String) {
      self.field = field
      self.detail = detail
    }
  }

  public var code: Code
  /// For a developer's eyes; at most 1,024 bytes travel.
  public var message: String
  /// How long to wait before the next attempt; nil where another attempt does not help.
  public var retryAfter: Duration?
  /// What was wrong with the request; at most 32 travel.
  public var fieldViolations: [FieldViolation]
  /// Metadata that came, or goes, with the status.
  public var trailers: Metadata
  /// What led to it here. Never sent.
  public var cause: (any Error)?
  /// Whether the peer sent it, or this side made it (time-out, lost connection, refusal to send).
  public internal(set) var isFromPeer = false
  /// Whether the call was surely not looked at, so that any method may be sent again.
  package var wasNotLookedAt = false

  package var notLookedAt: RPCError {
    var error = self
    error.wasNotLookedAt = true
    return error
  }

  public init(
    _ code: Code, _ message: String, retryAfter: Duration? = nil,
    fieldViolations: [FieldViolation] = [], trailers: Metadata = [:], cause: (any Error)? = nil
  ) {
    self.code = code
    self.message = message
    self.retryAfter = retryAfter
    self.fieldViolations = fieldViolations
    self.trailers = trailers
    self.cause = cause
  }

  public var description: String {
    let fields = fieldViolations.map { " \($0.field): \($0.detail);" }.joined()
    return "\(code): \(message)"
      + (fields.isEmpty ? "" : " (" + fields.dropFirst().dropLast() + ")")
  }

  public static func == (a: Self, b: Self) -> Bool { a.code == b.code && a.message == b.message }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(code)
    hasher.combine(message)
  }
}

/// An error that knows its status code; anything else a handler throws becomes `internalError`.
public protocol RPCErrorConvertible: Error {
  var rpcError: RPCError { get }
}
