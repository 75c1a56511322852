public import Wire

/// How a client keeps its connections and tries again.
public struct ClientConfiguration: Sendable {
  /// Connections kept ready even without calls, once there has been one.
  public var connectionsMin = 1
  /// Most connections to the target; more spread load over more of its addresses and cores.
  public var connectionsMax = 4
  /// Calls open on every connection before another one is made, up to `connectionsMax`.
  public var callsPerConnection = 64
  /// A connection must be there within this.
  public var connectTimeout = Duration.seconds(5)
  /// How often the name is looked up again.
  public var resolveInterval = Duration.seconds(30)
  /// Attempts of one call, the first included: 1 to 5.
  public var attemptsMax = 3
  /// Before the second attempt; doubled for each further one, up to `backOffMax`, times a random
  /// 0.5 to 1.5.
  public var backOff = Duration.milliseconds(50)
  public var backOffMax = Duration.seconds(2)
  /// Attempts again that may be saved up; each call that ends well adds a fifth of one.
  public var retryBudget = 10
  /// After so many UNAVAILABLE in a row a connection is left for another.
  public var failuresMax = 5
  public var limits = Limits()
  public var interceptors: [any ClientInterceptor] = []
  /// Seed of the back-off's randomness; nil: the system's randomness.
  public var seed: UInt64?

  public init() {}
}

/// Sees every call of a client: for metrics, traces, further metadata. Must not block.
public protocol ClientInterceptor: Sendable {
  /// Before the first attempt; may change the options. A thrown error is the call's outcome.
  func willSend(_ method: RPCMethod, _ options: inout CallOptions) throws
  /// Once, when the call's outcome is known; nil is success. For streaming calls: of the opening.
  /// No attempts: it was refused by `willSend`.
  func didFinish(_ method: RPCMethod, _ error: RPCError?, attempts: Int, elapsed: Duration)
}
