internal import Messages
internal import ServiceKit
internal import Testing

@testable internal import Notifier

@Suite struct MailReaderTests {
  private func mail(_ text: String) throws -> MailReader.Part {
    try MailReader.mail(Array(text.utf8))
  }

  private static let order = CommonV1.SendOrder(id: DerivedID.of("order"))

  /// A few of each kind that is known.
  private static let corpus: [String] = [
    InboundFixture.bounce(of: order), InboundFixture.feedback(of: order),
    InboundFixture.reply(to: order, "Stop"),
    InboundFixture.bounce(of: order).replacing("\n", with: "\r\n"),
    """
    From: a@b.test
    Content-Type: text/html; charset="utf-8"
    Content-Transfer-Encoding: base64
    In-Reply-To: <\(order.id)@shop.test>

    PGh0bWw+PHN0eWxlPnh7fTwvc3R5bGU+PHA+PGI+U1RPUDwvYj48L3A+PC9odG1sPg==
    """,
    """
    From: a@b.test
    Content-Type: multipart/mixed; boundary=o

    --o
    Content-Type: multipart/alternative; boundary="i n"

    --i n
    Content-Type: text/plain; charset=iso-8859-1
    Content-Transfer-Encoding: quoted-printable

    ARR=CAT
    --i n--
    --o--
    """,
  ]

  @Test("M18 A bounce is read with LF and CRLF, its status and its mail's id are found")
  func bounce() throws {
    for text in [MailReaderTests.corpus[0], MailReaderTests.corpus[3]] {
      let read = try InboundMail(try mail(text))
      #expect(read.kind == .bounce(.address, StatusCode(5, 1, 1)))
      #expect(read.candidates == [try #require(UUIDText.bytes(MailReaderTests.order.id))])
    }
  }

  @Test("M18 The first line of a reply is found in HTML, in base64 and in nested parts")
  func words() throws {
    let html = try InboundMail(try mail(MailReaderTests.corpus[4]))
    #expect((html.kind, html.words) == (.stop, "STOP"))
    let nested = try InboundMail(try mail(MailReaderTests.corpus[5]))
    #expect((nested.kind, nested.words) == (.stop, "ARRÊT"))
  }

  @Test("T23 Depth, parts and fields are bounded, and each refusal says which")
  func bounds() throws {
    var deep = ""
    for level in 0...MailReader.Limits.depthMax {
      deep += "Content-Type: multipart/mixed; boundary=b\(level)\n\n--b\(level)\n"
    }
    let wide =
      "Content-Type: multipart/mixed; boundary=b\n\n"
      + String(repeating: "--b\n\n", count: MailReader.Limits.partsMax + 1)
    let many = String(repeating: "a: b\n", count: MailReader.Limits.fieldsMax + 1) + "\nx"
    let long = "a: " + String(repeating: "x\n ", count: MailReader.Limits.headerSizeMax / 3 + 1)
    for text in [deep, wide, many, long, "", "\n", "no field"] {
      #expect(throws: MailReader.Refusal.self) { try mail(text) }
    }
    let large = [UInt8](repeating: 0x61, count: MailReader.Limits.mailSizeMax + 1)
    #expect(throws: MailReader.Refusal.self) { try MailReader.mail(large) }
  }

  @Test("T23 Every cut and changed byte of a mail is read or refused, never more")
  func fuzz() throws {
    var chance = SplitMix64(seed: 29)
    var read = 0
    for text in MailReaderTests.corpus {
      let bytes = Array(text.utf8)
      for count in stride(from: 0, to: bytes.count, by: 7) {
        if (try? InboundMail(try MailReader.mail(Array(bytes[..<count])))) != nil { read += 1 }
      }
      for _ in 0..<400 {
        var changed = bytes
        for _ in 0..<Int.random(in: 1...8, using: &chance) {
          let at = Int.random(in: 0..<changed.count, using: &chance)
          switch Int.random(in: 0...3, using: &chance) {
          case 0: changed[at] = UInt8.random(in: 0...255, using: &chance)
          case 1: changed.remove(at: at)
          case 2: changed.insert(contentsOf: changed[at...].prefix(40), at: at)
          default: changed[at] = Array("\n\r :;\"=-<>(\\\0".utf8).randomElement(using: &chance) ?? 0
          }
        }
        if (try? InboundMail(try MailReader.mail(changed))) != nil { read += 1 }
      }
    }
    #expect(read > 1000)
  }

  @Test("T23 Hostile fields of types, ids and reports end in an ordinary answer")
  func hostile() throws {
    let brackets = String(repeating: "(", count: 4000)
    let texts = [
      "Content-Type: multipart/report\(brackets); boundary=x\n\n--x\n",
      "Content-Type: multipart/mixed; boundary*0*=utf-8''%41; boundary*1=\(brackets)\n\n",
      "References: " + String(repeating: "<", count: 5000) + "\n\nSTOP",
      "Content-Type: text/plain\0; x\nIn-Reply-To: <\0@\0>\n\nx",
      "Content-Transfer-Encoding: base64\n\n" + String(repeating: "=", count: 3000),
      "A: b\n\n" + String(repeating: "<", count: 100_000),
    ]
    for text in texts {
      let read = try InboundMail(try mail(text))
      #expect(read.candidates.isEmpty)
    }
  }

  @Test(
    "M18 RFC 3463 Codes say whether an address is at fault",
    arguments: [
      ("5.1.1", StatusCode.Fault.address), ("5.1.2", .address), ("5.1.10", .address),
      ("5.2.1", .address), ("5.1.8", .policy), ("5.7.1", .policy), ("5.7.26", .policy),
      ("5.3.4", .policy), ("5.6.0", .policy), ("5.2.2", .temporary), ("4.1.1", .temporary),
      ("4.7.1", .temporary), ("5.4.7", .temporary), ("5.0.0", .temporary),
      ("5.99.9", .temporary), ("550 5.1.1 unknown", .address), ("smtp; 550-5.7.1 no", .policy),
    ])
  func codes(text: String, fault: StatusCode.Fault) throws {
    #expect(try #require(StatusCode(in: text)).fault == fault)
  }

  @Test("What is no code is none", arguments: ["", "5", "5.1", "3.1.1", "5.1.1.1", "5.1000.1"])
  func noCodes(text: String) {
    #expect(StatusCode(in: text) == nil)
  }
}
