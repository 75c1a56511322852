internal import Testing

@Suite struct ImportTests {
  @Test("A room imports only what the house rules allow it")
  func roomsImportOnlyWhatIsAllowed() throws {
    #expect(Bool(true))
  }
}
