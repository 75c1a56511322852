internal import Foundation
internal import Messages
internal import ServiceKit
internal import TestSupport

@testable internal import DirectMail

/// Letters to test with: a furniture shop in Berlin writes.
enum LetterSamples {
  /// 2026-03-02T09:00:00Z.
  static let date = Instant(seconds: 1_772_442_000)
  static let cartLink =
    "https://go.moebel.test/l/AQFsAAECAwQFBgcICQoLDA0ODxAHAAAAAKqqqqqqqqqqqqqqqqqqqqo"
  static let objectionLink =
    "https://go.moebel.test/b/AQFiAAECAwQFBgcICQoLDA0ODxAHAAAAAKqqqqqqqqqqqqqqqqqqqqo"
  static let objectionCode = "K7QM-2XVR-9TDA"

  /// The text of a shipped design, such as `quote-letter.de`.
  static func shipped(_ name: String) throws -> String {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    let root = tests.appendingPathComponent("../../..").standardizedFileURL
    return try String(
      contentsOf: root.appendingPathComponent("Services/Homing/Shipped/letters/\(name).yaml"),
      encoding: .utf8)
  }

  static let store = CartTrackerV1.Store(
    id: "shop",
    settings: CartTrackerV1.StoreSettings(
      name: "Möbelwerk", controller: "moebelwerk", timeZone: "Europe/Berlin", locale: "de-DE",
      countryCode: "DE",
      imprint: CartTrackerV1.Imprint(
        legalName: "Möbelwerk GmbH",
        address: CommonV1.Address(
          countryCode: "DE", streetLines: ["Hafenstraße 12"], postalCode: "10115",
          locality: "Berlin"),
        senderName: "Möbelwerk", senderEmail: "post@moebel.test",
        supportEmail: "service@moebel.test", supportPhone: "+49 30 5550100",
        website: "https://moebel.test",
        legalText: "Amtsgericht Charlottenburg, HRB 12345 B\nUSt-IdNr. DE123456789")))

  static let address = CommonV1.Address(
    countryCode: "DE", company: "Schröder & Söhne Maschinenbau GmbH", department: "Einkauf",
    person: "Frau Dr. Änne Weißmüller", streetLines: ["Große Bleichen 27", "Hinterhaus, 3. OG"],
    postalCode: "20354", locality: "Hamburg")

  static func line(
    _ name: String, _ price: Int64, quantity: Int64 = 1, detail: String = "", image: String = ""
  ) -> CartTrackerV1.CartLine {
    CartTrackerV1.CartLine(
      sku: "SKU-\(price)", name: name, imageURL: image, quantity: .init(units: quantity),
      unitPrice: .init(currencyCode: "EUR", units: price),
      lineTotal: .init(currencyCode: "EUR", units: price * quantity), configuration: detail)
  }

  static let lines = [
    line(
      "Bürostuhl Ergo Plus", 389, quantity: 12,
      detail: "Bezug anthrazit, Armlehnen 4D, Rollen für harte Böden",
      image: "https://moebel.test/img/chair.jpg"),
    line(
      "Schreibtisch Linea, elektrisch höhenverstellbar", 749, quantity: 12,
      detail: "160 × 80 cm, Platte Eiche", image: "https://moebel.test/img/desk.png"),
    line("Kabelwanne mit Steckdosenleiste", 59, quantity: 12),
  ]

  /// A folder with the first two lines' pictures.
  static func pictures() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let place = folder.file("moebel.test/img")
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    for (name, text) in [("chair.jpg", jpeg), ("desk.png", png)] {
      let bytes = try Data(base64Encoded: text).orThrow()
      try bytes.write(to: URL(fileURLWithPath: "\(place)/\(name)"))
    }
    return folder
  }

  struct Case {
    var id = "00000000-0000-4000-8000-000000000001"
    var template = ""
    var templateLocale = "de"
    var locale = "de-DE"
    var address = LetterSamples.address
    var lines = LetterSamples.lines
    var parameters: [CommonV1.Attribute] = []
    var incentive: CommonV1.Incentive?
    var isSample = false
    var format = DirectMailV1.Format.a4FormB
    var store = LetterSamples.store

    init(_ template: String) { self.template = template }

    var order: LetterOrder {
      var total: Int64 = 0
      for line in lines { total += line.lineTotal?.units ?? 0 }
      let cart = CartTrackerV1.Cart(
        store: "shop", id: "cart-1", contact: "c-1",
        header: .init(kind: .quote, url: "https://moebel.test/cart/1", quote: "A-2026-0417"),
        lines: lines, totals: [.init(currencyCode: "EUR", units: total)],
        deadline: .init(seconds: 1_773_700_000))
      let profile = CartTrackerV1.ContactProfile(
        givenName: "Änne", familyName: "Weißmüller", title: "Dr.", salutation: "Frau",
        companyName: "Schröder & Söhne", address: address)
      return LetterOrder(
        order: CommonV1.SendOrder(
          id: id, store: "shop", channel: .letter, contact: "c-1", cart: "cart-1",
          template: "letter", incentive: incentive, parameters: parameters),
        facts: CartTrackerV1.Facts(
          contact: CartTrackerV1.Contact(store: "shop", id: "c-1", profile: profile),
          carts: [cart]),
        store: store,
        template: DirectMailV1.Template(
          store: "shop", name: "letter", locale: templateLocale, format: format, text: template,
          version: 1),
        locale: locale, cartLink: cartLink, objectionLink: objectionLink,
        objectionCode: objectionCode, isSample: isSample, date: date)
    }
  }
}

extension LetterSamples {
  /// 16 × 12 pixels.
  private static let jpeg =
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwz"
    + "Oko+MzZGNywtQFdBRkxOUlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09P"
    + "T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT0//wAARCAAMABADASIAAhEBAxEB/8QA"
    + "FgABAQEAAAAAAAAAAAAAAAAAAAUG/8QAGRAAAQUAAAAAAAAAAAAAAAAAAAMUFVJi/8QAFAEBAAAAAAAA"
    + "AAAAAAAAAAAABP/EABYRAAMAAAAAAAAAAAAAAAAAAAABE//aAAwDAQACEQMRAD8AqxGREZNm2SqGyVRF"
    + "2Hij/9k="

  /// 12 × 12 pixels.
  private static let png =
    "iVBORw0KGgoAAAANSUhEUgAAAAwAAAAMEAIAAACJhxfzAAAAxklEQVQoz2Ncdl33qs5RBooBE35pjp0S"
    + "6wQvQEj8KllwaYawuZbLzRJlQ5KEiv9wfxH03gCniyBGQDRDSE49GQ2R/xAS2VBMN6K4CFmpALOhlPJ9"
    + "hqsMn+DSegwaDAoMyxlmMaC4EeI6Jlw2UCGwIR7BFGe/KvqJ/wGyLHJIMSELfYt8lPb61/dLT268Yfyp"
    + "/ZrvowKmcRBZiEpkf2CJNWQN0HBBFkECyC5iwSEBCy+koIW4AtMInC7CUHQBl2YCBuE1FCcAADabdUXH"
    + "od5oAAAAAElFTkSuQmCC"
}

extension Optional {
  fileprivate func orThrow() throws -> Wrapped {
    guard let self else { throw Tool.Failure(text: "nothing is there") }
    return self
  }
}

/// A document of letters, and what it says to those who read it back.
final class PrintedDocument {
  let folder: TemporaryFolder
  let pages: [ClosedRange<Int>]
  let count: Int

  var path: String { folder.file("letters.pdf") }

  /// - Parameter pictures: in the folder of `LetterSamples.picture`.
  init(_ cases: [LetterSamples.Case], pictures: String? = nil) throws {
    folder = try TemporaryFolder()
    let press = try PagePress(images: pictures)
    let run = try press.begin(
      folder.file("letters.pdf"), cases[0].format, date: LetterSamples.date)
    pages = try cases.map { letter in
      _ = try run.prepare(letter.order)
      return try run.draw(letter.id)
    }
    count = try run.finish()
  }

  var bytes: [UInt8] { get throws { Array(try Data(contentsOf: URL(fileURLWithPath: path))) } }

  struct Word: Hashable {
    let text: String
    /// In millimetres from the upper left corner.
    let left: Double
    let top: Double
    let right: Double
    let bottom: Double
  }

  /// The words of a page with their boxes (`pdftotext -bbox`).
  func words(page: Int = 1) throws -> [Word] {
    let text = try Tool.run("pdftotext", "-bbox", "-f", "\(page)", "-l", "\(page)", path, "-")
    return text.matches(
      of: /<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">(.*?)<\/word>/
    ).map { match in
      func length(_ text: Substring) -> Double { (Double(text) ?? -1) * 25.4 / 72 }
      return Word(
        text: String(match.5).replacingOccurrences(of: "&amp;", with: "&"), left: length(match.1),
        top: length(match.2), right: length(match.3), bottom: length(match.4))
    }
  }

  /// A page's text in reading order.
  func text(page: Int = 1) throws -> String {
    try Tool.run("pdftotext", "-layout", "-f", "\(page)", "-l", "\(page)", path, "-")
  }

  func raster(page: Int = 1, dotsPerInch: Int = 300) throws -> Raster {
    let name = folder.file("page-\(page)-\(dotsPerInch)")
    _ = try Tool.run(
      "pdftoppm", "-gray", "-r", "\(dotsPerInch)", "-f", "\(page)", "-l", "\(page)",
      "-singlefile", path, name)
    return try Raster(path: name + ".pgm", folder, dotsPerInch: dotsPerInch)
  }
}

/// A page in grey pixels.
struct Raster {
  let width: Int
  let height: Int
  let dotsPerInch: Int
  let path: String
  /// Holds the file.
  private let folder: TemporaryFolder
  private let pixels: [UInt8]

  init(path: String, _ folder: TemporaryFolder, dotsPerInch: Int) throws {
    self.path = path
    self.folder = folder
    self.dotsPerInch = dotsPerInch
    let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    // P5, width, height, 255, each followed by one white space.
    var at = 0
    func word() -> String {
      var text = ""
      while bytes[at] > 0x20 {
        text.unicodeScalars.append(Unicode.Scalar(bytes[at]))
        at += 1
      }
      at += 1
      return text
    }
    guard word() == "P5", let width = Int(word()), let height = Int(word()), word() == "255" else {
      throw Tool.Failure(text: "no grey picture")
    }
    (self.width, self.height) = (width, height)
    pixels = Array(bytes[at...])
  }

  /// 0 is black; at millimetres from the upper left corner.
  func grey(_ x: Double, _ y: Double) -> Int {
    let (column, row) = (
      Int(x / 25.4 * Double(dotsPerInch)), Int(y / 25.4 * Double(dotsPerInch))
    )
    return Int(pixels[row * width + column])
  }

  /// The darkest in a rectangle of millimetres.
  func darkest(_ left: Double, _ top: Double, _ right: Double, _ bottom: Double) -> Int {
    let scale = Double(dotsPerInch) / 25.4
    var darkest = 255
    for row in Int(top * scale)..<Int(bottom * scale) {
      for column in Int(left * scale)..<Int(right * scale) {
        darkest = min(darkest, Int(pixels[row * width + column]))
      }
    }
    return darkest
  }

  /// Rows of a column of pixels that are darker than half, as millimetres of their middles, those
  /// that touch taken together.
  func darkRows(x: Double, from top: Double, to bottom: Double) -> [Double] {
    let scale = Double(dotsPerInch) / 25.4
    let column = Int(x * scale)
    var runs: [[Int]] = []
    for row in Int(top * scale)..<Int(bottom * scale) where pixels[row * width + column] < 200 {
      if let last = runs.last?.last, last == row - 1 {
        runs[runs.count - 1].append(row)
      } else {
        runs.append([row])
      }
    }
    return runs.map { Double($0[0] + $0[$0.count - 1] + 1) / 2 / scale }
  }

  /// A part of the page, smeared as by paper and a cheap camera: in each pass every pixel becomes
  /// the mean of three by three.
  ///
  /// - Parameters:
  ///   - columns: in millimetres, as `rows`.
  /// - Returns: the path of the picture.
  func blurred(
    columns: ClosedRange<Double>, rows: ClosedRange<Double>, passes: Int
  ) throws -> String {
    let scale = Double(dotsPerInch) / 25.4
    let (left, top) = (Int(columns.lowerBound * scale), Int(rows.lowerBound * scale))
    let wide = Int(columns.upperBound * scale) - left
    let high = Int(rows.upperBound * scale) - top
    var part: [UInt8] = []
    for row in top..<(top + high) {
      let start = row * width + left
      part += pixels[start..<(start + wide)]
    }
    for _ in 0..<passes {
      // Along the rows, then along the columns.
      for step in [1, wide] {
        let before = part
        for at in wide..<(part.count - wide) {
          let sum: Int = Int(before[at - step]) + Int(before[at]) + Int(before[at + step])
          part[at] = UInt8(sum / 3)
        }
      }
    }
    let name = path + ".blurred.pgm"
    try Data(Array("P5\n\(wide) \(high)\n255\n".utf8) + part)
      .write(to: URL(fileURLWithPath: name))
    return name
  }
}

/// A program of the system.
enum Tool {
  struct Failure: Error {
    let text: String
  }

  /// - Returns: what it wrote.
  static func run(_ name: String, _ arguments: String...) throws -> String {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [name] + arguments
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let bytes = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(text: "\(name) ended with \(process.terminationStatus)")
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The codes in a picture, in no order.
  static func codes(_ path: String) throws -> Set<String> {
    Set(
      try run("zbarimg", "--nodbus", "--quiet", "--raw", path).split(separator: "\n").map(
        String.init))
  }
}
