internal import Testing

/// What other teams see, and how large the part is that they must take.
enum Rooms {
  /// Messages, Wire and Transport: all that a peer in Swift needs.
  static let protocolLinesMax = 6000
  private static let protocolRooms = ["Shared/Messages/", "Shared/Wire/", "Shared/Transport/"]

  static func protocolLines(_ files: [Repository.File]) -> Int {
    files.filter { file in
      file.path.hasSuffix(".swift") && !file.isGenerated
        && protocolRooms.contains(where: file.path.hasPrefix)
    }.reduce(0) { $0 + $1.text.split(separator: "\n", omittingEmptySubsequences: false).count - 1 }
  }

  /// Where `public` may stand: messages, what a call is made of, and the client with what its
  /// configuration is made of.
  private static let publicPlaces = [
    "Shared/Messages/", "Shared/Wire/", "Shared/Transport/Client/",
    // `ClientConfiguration` and `Client.init` take these.
    "Shared/Transport/Loop/EventLoop.swift", "Shared/Transport/Loop/EventLoopGroup.swift",
    "Shared/Transport/Loop/Sockets.swift", "Shared/Transport/TLS/TLSContext.swift",
  ]

  /// `public` where no other team has a use for it.
  static func publicFindings(_ path: String, _ text: String) -> [Finding] {
    if publicPlaces.contains(where: path.hasPrefix) { return [] }
    if path.hasPrefix("Shared/Stubs/") && path.hasSuffix(".client.swift") { return [] }
    let source = SwiftSource.of(text)
    return source.lines(matching: #/(?:^|[^.\w])(?:public |open (?:class|func|var|override) )/#)
      .filter { !source.code[$0 - 1].contains(#/\bimport\b/#) }
      .map { Finding(path, $0, "is public: \(source.lines[$0 - 1].drop { $0 == " " })") }
  }
}

@Suite struct RoomTests {
  @Test("Messages, Wire and Transport together have at most 6,000 hand-written lines")
  func protocolIsSmall() throws {
    let lines = Rooms.protocolLines(try Repository.files)
    #expect(lines <= Rooms.protocolLinesMax)
    #expect(lines > 1000)
  }

  @Test("Only messages, the client and its stubs are public")
  func publicSurface() throws {
    let files = try Repository.files.filter { $0.path.hasSuffix(".swift") }
    expectNone(files.flatMap { Rooms.publicFindings($0.path, $0.text) })
  }

  @Test("Lines are counted in the three rooms only, without generated ones")
  func counts() {
    let files = ["Shared/Wire/A.swift", "Shared/Messages/Generated/B.swift", "Services/C.swift"]
      .map { Repository.File(path: $0, text: "a\nb\nc\n", isTracked: true) }
    #expect(Rooms.protocolLines(files) == 3)
  }

  @Test("A public declaration elsewhere is found")
  func findsPublic() {
    let text = """
      public import Messages
      // public struct A
        public struct B {}
      let open = 1
      open class C {}
      """
    #expect(Rooms.publicFindings("Shared/ServiceKit/A.swift", text).map(\.line) == [3, 5])
    #expect(
      Rooms.publicFindings("Shared/Stubs/Generated/a.server.swift", text).map(\.line) == [3, 5])
    #expect(Rooms.publicFindings("Shared/Stubs/Generated/a.client.swift", text) == [])
  }
}
