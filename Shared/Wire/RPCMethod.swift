/// A method of the contract as both sides know it. Generated from the `.proto` files.
public struct RPCMethod: Hashable, Sendable {
  /// How many messages go each way.
  public enum Kind: Hashable, Sendable {
    case unary, clientStreaming, serverStreaming, bidirectional

    /// Whether the first frame carries the one request and half-closes.
    package var hasOneRequest: Bool { self == .unary || self == .serverStreaming }
    /// Whether the server answers with exactly one message.
    package var hasOneResponse: Bool { self == .unary || self == .clientStreaming }
  }

  /// `package.Service/Method`, such as `homing.echo.v1.Echo/Unary`.
  public let name: String
  public let kind: Kind
  /// Whether sending it twice does no more than once.
  public let isIdempotent: Bool
  /// Roles that may call it; none admits nobody.
  public let roles: [String]

  public init(_ name: String, _ kind: Kind, isIdempotent: Bool, roles: [String]) {
    self.name = name
    self.kind = kind
    self.isIdempotent = isIdempotent
    self.roles = roles
  }

  /// `package.Service`.
  public var service: String { String(name.prefix { $0 != "/" }) }

  public static func == (a: Self, b: Self) -> Bool { a.name == b.name }
  public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}
