internal import Delivery
internal import ServiceKit
internal import Storage
internal import TestSupport
internal import Testing

@Suite struct OptOutJournalTests {
  private let folder: TemporaryFolder
  private var path: String { folder.file("optouts.journal") }

  init() throws { folder = try TemporaryFolder() }

  private func payload(_ text: String) -> [UInt8] { Array(text.utf8) }

  private func bytes() throws -> [UInt8] { try SmallFile.read(path, bytesMax: 1 << 20) }

  private func entries(from position: Int64 = 0) throws -> [[String]] {
    var found: [[String]] = []
    try OptOutJournal(path: path).replay(from: position) { payloads, _ in
      found.append(payloads.map { String(decoding: $0, as: UTF8.self) })
    }
    return found
  }

  @Test("T31 Lines come back in their order, from each position that an append told")
  func order() throws {
    let journal = try OptOutJournal(path: path)
    var ends: [Int64] = [0]
    for number in 1...20 {
      let own = (0..<(number % 3 + 1)).map { payload("\(number).\($0)") }
      ends.append(try journal.append(own))
    }
    let all = try entries()
    #expect(all.count == 20)
    #expect(all[2] == ["3.0"])
    #expect(all[4] == ["5.0", "5.1", "5.2"])
    for (index, end) in ends.enumerated() {
      #expect(try entries(from: end) == Array(all[index...]))
    }
    #expect(throws: StorageError.self) { try entries(from: 1) }
  }

  @Test("T31 A last line that was cut at any byte is taken away, and what follows is kept")
  func tornEnd() throws {
    let first = try OptOutJournal(path: path)
    let end = try first.append([payload("kept")])
    _ = try first.append([payload("torn"), payload("away")])
    let whole = try bytes()
    for count in Int(end)..<whole.count {
      try folder.write(Array(whole[..<count]), to: "optouts.journal")
      let journal = try OptOutJournal(path: path)
      var seen = 0
      try journal.replay(from: 0) { _, _ in seen += 1 }
      #expect((seen, journal.size) == (1, end))
      _ = try journal.append([payload("next")])
      #expect(try entries() == [["kept"], ["next"]])
    }
  }

  @Test("P10 A payload that is redacted leaves every line where it was, and appends go on behind")
  func redacts() throws {
    let journal = try OptOutJournal(path: path)
    var ends: [Int64] = []
    for text in ["one", "ann@example.test", "three"] {
      ends.append(try journal.append([payload(text), payload("and " + text)]))
    }
    let size = try bytes().count
    let count = try journal.redact { bytes in
      String(decoding: bytes, as: UTF8.self).contains("ann") ? Array("x".utf8) : nil
    }
    #expect(count == 2)
    #expect(try bytes().count == size)
    #expect(try entries() == [["one", "and one"], ["x", "x"], ["three", "and three"]])
    for (index, end) in ends.enumerated() {
      #expect(try entries(from: end).count == 2 - index)
    }
    // The same file, opened before and after: the name leads to what the descriptor writes.
    _ = try journal.append([payload("four")])
    #expect(try entries().last == ["four"])
    #expect(try journal.redact { _ in [] } == 7)
    #expect(try entries() == [["", ""], ["", ""], ["", ""], [""]])
    #expect(try journal.redact { _ in nil } == 0)
  }

  @Test("P10 What a crash leaves of a redaction is the file as it was")
  func crashedRedaction() throws {
    let journal = try OptOutJournal(path: path)
    _ = try journal.append([payload("ann@example.test")])
    try folder.write(Array("half a file".utf8), to: "optouts.journal.new")
    #expect(try entries() == [["ann@example.test"]])
    #expect(try journal.redact { _ in [] } == 1)
    #expect(try entries() == [[""]])
  }

  @Test("T31 A changed byte before the last line stops the start, and so does a line moved or lost")
  func damage() throws {
    let journal = try OptOutJournal(path: path)
    let ends = try (1...3).map { try journal.append([payload("entry \($0)")]) }
    let whole = try bytes()
    for at in 0..<Int(ends[1]) {
      var changed = whole
      changed[at] ^= 1
      try folder.write(changed, to: "optouts.journal")
      #expect(throws: StorageError.self, "byte \(at)") { try entries() }
    }
    try folder.write(Array(whole[Int(ends[0])...]), to: "optouts.journal")
    #expect(throws: StorageError.self) { try entries() }
  }

  @Test("T31 A journal that cannot be opened or is no file stops the start")
  func unusable() throws {
    #expect(throws: StorageError.self) { try OptOutJournal(path: folder.file("none/x")) }
    #expect(throws: StorageError.self) { try OptOutJournal(path: "/dev/null") }
  }
}
