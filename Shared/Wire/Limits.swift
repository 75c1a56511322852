package import Messages

/// The limits of a connection, with the defaults of `proto/README.md` §8. All in this one place.
///
/// Too low a limit refuses honest peers; too high a one lets a peer take that much of this process.
public struct Limits: Hashable, Sendable {
  /// Largest frame in bytes, without its prefix: 64 KiB to 64 MiB. Bounds a message, and times
  /// `arenaFactor` the memory its decoding may take.
  public var frameBytesMax = 4 << 20
  /// Keys and values of one frame's metadata, in bytes.
  public var metadataBytesMax = 16 << 10
  /// Calls open at once on a connection.
  public var streamsMax = 1024
  /// First credit of a stream in bytes. Too low makes streams wait for round trips.
  public var streamWindow = 256 << 10
  /// First credit of a connection in bytes: what one peer can make this process hold unread.
  public var connectionWindow = 1 << 20
  /// Bytes of answers waiting for a peer that does not read or grants no credit.
  public var outputBytesMax = 16 << 20
  /// A handshake must end within this.
  public var handshakeTimeout = Duration.seconds(5)
  /// A frame begun must end within this.
  public var frameTimeout = Duration.seconds(10)
  /// Waiting output must move within this.
  public var outputTimeout = Duration.seconds(30)
  /// A connection without frames and calls is left after this.
  public var idleTimeout = Duration.seconds(30 * 60)
  /// Any connection is drained at this age.
  public var ageMax = Duration.seconds(24 * 3600)
  /// A side that has heard nothing for this long pings.
  public var keepaliveInterval = Duration.seconds(30)
  /// After a ping something must come within this.
  public var keepaliveTimeout = Duration.seconds(10)
  /// Cancelled calls at once, and a second after that.
  public var cancelBurst = 1000
  public var cancelsPerSecond = 200
  /// Pings at once, and a second after that.
  public var pingBurst = 100
  public var pingsPerSecond = 2

  /// Method names, in bytes.
  package static let methodBytesMax = 256
  /// Memory that the C form of one frame may take, as a multiple of `frameBytesMax`; the values
  /// made from it come on top (`Shared/Decisions/0003-no-pre-scan.md`).
  package static let arenaFactor = 3
  /// Total credit that a peer may hand out.
  package static let creditMax = 1 << 62
  package static let frameBytesRange = 64 << 10...64 << 20

  public init() {}

  /// - Throws: INVALID_ARGUMENT that names the first limit outside its range, with the range.
  package func validate() throws(RPCError) {
    func check(_ name: String, _ value: Int, _ range: ClosedRange<Int>) throws(RPCError) {
      if !range.contains(value) {
        throw RPCError(.invalidArgument, "the limit \(name) is \(value), allowed are \(range)")
      }
    }
    try check("frameBytesMax", frameBytesMax, Limits.frameBytesRange)
    try check("metadataBytesMax", metadataBytesMax, 1...1 << 20)
    try check("streamsMax", streamsMax, 1...Int(UInt32.max))
    try check("streamWindow", streamWindow, 1...Limits.creditMax)
    try check("connectionWindow", connectionWindow, 1...Limits.creditMax)
    try check("outputBytesMax", outputBytesMax, 64 << 10...1 << 40)
    try check("cancelBurst", cancelBurst, 1...1 << 30)
    try check("cancelsPerSecond", cancelsPerSecond, 0...1 << 30)
    try check("pingBurst", pingBurst, 1...1 << 30)
    try check("pingsPerSecond", pingsPerSecond, 0...1 << 30)
  }

  /// What this side tells its peer; only what differs from the defaults.
  package var settings: RpcV1.Settings? {
    let standard = Limits()
    func changed(_ path: KeyPath<Limits, Int>) -> Int {
      self[keyPath: path] == standard[keyPath: path] ? 0 : self[keyPath: path]
    }
    let settings = RpcV1.Settings(
      frameBytesMax: UInt32(changed(\.frameBytesMax)), streamsMax: UInt32(changed(\.streamsMax)),
      streamWindow: UInt64(changed(\.streamWindow)),
      connectionWindow: UInt64(changed(\.connectionWindow)),
      metadataBytesMax: UInt32(changed(\.metadataBytesMax)))
    return settings == RpcV1.Settings() ? nil : settings
  }
}

/// What the other side accepts: the defaults until its settings arrive.
package struct PeerLimits: Equatable {
  package private(set) var frameBytesMax = Limits().frameBytesMax
  package private(set) var streamsMax = Limits().streamsMax
  package private(set) var streamWindow = Limits().streamWindow
  package private(set) var connectionWindow = Limits().connectionWindow
  package private(set) var metadataBytesMax = Limits().metadataBytesMax

  package init() {}

  /// - Throws: a broken rule, with the setting's name.
  package mutating func apply(_ settings: RpcV1.Settings) throws(BrokenRule) {
    func set(_ field: inout Int, _ value: UInt64, _ name: String, _ range: ClosedRange<UInt64>)
      throws(BrokenRule)
    {
      if value == 0 { return }
      guard range.contains(value) else {
        throw BrokenRule("setting \(name) is \(value), allowed are \(range)")
      }
      field = Int(value)
    }
    let frames = Limits.frameBytesRange
    try set(
      &frameBytesMax, UInt64(settings.frameBytesMax), "frame_bytes_max",
      UInt64(frames.lowerBound)...UInt64(frames.upperBound))
    try set(&streamsMax, UInt64(settings.streamsMax), "streams_max", 1...UInt64(UInt32.max))
    let windows = UInt64(1)...UInt64(Limits.creditMax)
    try set(&streamWindow, settings.streamWindow, "stream_window", windows)
    try set(&connectionWindow, settings.connectionWindow, "connection_window", windows)
    try set(
      &metadataBytesMax, UInt64(settings.metadataBytesMax), "metadata_bytes_max",
      1...UInt64(1 << 20))
  }
}

/// A rule of the connection that the peer broke: answered by a go-away, then closed.
package struct BrokenRule: Error, Equatable {
  package let code: RPCError.Code
  package let message: String

  package init(_ message: String, code: RPCError.Code = .invalidArgument) {
    self.code = code
    self.message = message
  }
}
