internal import Messages
internal import Testing

@testable internal import Wire

@Suite struct LimitsTests {
  @Test("The defaults are those of the wire's description")
  func defaults() {
    let limits = Limits()
    #expect(limits.frameBytesMax == 4 << 20)
    #expect(limits.metadataBytesMax == 16 << 10)
    #expect(limits.streamsMax == 1024)
    #expect(limits.streamWindow == 256 << 10)
    #expect(limits.connectionWindow == 1 << 20)
    let peer = PeerLimits()
    #expect(peer.frameBytesMax == limits.frameBytesMax)
    #expect(peer.metadataBytesMax == limits.metadataBytesMax)
    #expect(peer.streamsMax == limits.streamsMax)
    #expect(peer.streamWindow == limits.streamWindow)
    #expect(peer.connectionWindow == limits.connectionWindow)
  }

  @Test("Only what differs from the defaults is told")
  func tellsDifferences() {
    #expect(Limits().settings == nil)
    var limits = Limits()
    // What the peer need not know.
    limits.outputBytesMax = 1
    limits.idleTimeout = .seconds(1)
    #expect(limits.settings == nil)
    limits.streamsMax = 7
    #expect(limits.settings == RpcV1.Settings(streamsMax: 7))
    limits.connectionWindow = 1 << 40
    #expect(limits.settings == RpcV1.Settings(streamsMax: 7, connectionWindow: 1 << 40))
  }

  @Test("What one side tells the other side learns")
  func roundTrip() throws {
    var limits = Limits()
    limits.frameBytesMax = 64 << 20
    limits.metadataBytesMax = 1
    limits.streamsMax = 9
    limits.streamWindow = 1
    limits.connectionWindow = 1 << 62
    let settings = try #require(limits.settings)
    var peer = PeerLimits()
    try peer.apply(RpcV1.Settings(encoded: settings.encoded()))
    #expect(peer.frameBytesMax == 64 << 20)
    #expect(peer.metadataBytesMax == 1)
    #expect(peer.streamsMax == 9)
    #expect(peer.streamWindow == 1)
    #expect(peer.connectionWindow == 1 << 62)
  }

  @Test("Empty settings leave every default in force")
  func emptySettings() throws {
    var peer = PeerLimits()
    try peer.apply(RpcV1.Settings())
    #expect(peer == PeerLimits())
  }

  @Test("Each setting is taken at both ends of its range")
  func inRange() throws {
    let taken = [
      RpcV1.Settings(frameBytesMax: 64 << 10), RpcV1.Settings(frameBytesMax: 64 << 20),
      RpcV1.Settings(streamsMax: 1), RpcV1.Settings(streamsMax: .max),
      RpcV1.Settings(streamWindow: 1), RpcV1.Settings(streamWindow: 1 << 62),
      RpcV1.Settings(connectionWindow: 1), RpcV1.Settings(connectionWindow: 1 << 62),
      RpcV1.Settings(metadataBytesMax: 1), RpcV1.Settings(metadataBytesMax: 1 << 20),
    ]
    for settings in taken {
      var peer = PeerLimits()
      try peer.apply(settings)
      #expect(peer != PeerLimits())
    }
  }

  @Test("A setting out of its range is a broken rule that names it")
  func outOfRange() {
    let refused = [
      (RpcV1.Settings(frameBytesMax: 1), "frame_bytes_max"),
      (RpcV1.Settings(frameBytesMax: 64 << 10 - 1), "frame_bytes_max"),
      (RpcV1.Settings(frameBytesMax: 64 << 20 + 1), "frame_bytes_max"),
      (RpcV1.Settings(streamWindow: 1 << 62 + 1), "stream_window"),
      (RpcV1.Settings(streamWindow: .max), "stream_window"),
      (RpcV1.Settings(connectionWindow: 1 << 62 + 1), "connection_window"),
      (RpcV1.Settings(connectionWindow: .max), "connection_window"),
      (RpcV1.Settings(metadataBytesMax: 1 << 20 + 1), "metadata_bytes_max"),
      (RpcV1.Settings(metadataBytesMax: .max), "metadata_bytes_max"),
    ]
    for (settings, name) in refused {
      var peer = PeerLimits()
      let error = #expect(throws: BrokenRule.self) { try peer.apply(settings) }
      #expect(error?.code == .invalidArgument)
      #expect(error?.message.contains(name) == true)
    }
  }
}
