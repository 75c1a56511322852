internal import Messages
internal import ServiceKit
internal import Texts

/// The press that draws pages.
struct PagePress: Press {
  private let pictures: String?

  /// - Parameter images: the folder of the shops' pictures, see `PictureShelf`; nil prints none.
  init(images: String?) throws { pictures = images }

  func check(
    _ text: String, _ format: DirectMailV1.Format
  ) -> (faults: [(field: String, problem: String)], parameters: [String]) {
    do {
      return ([], try LetterTemplate(text: text).parameters)
    } catch {
      return (error.faults.map { ($0.place, $0.problem) }, [])
    }
  }

  func begin(
    _ path: String, _ format: DirectMailV1.Format, date: Instant
  ) throws -> any PressRun {
    try PagePressRun(path, try PagePress.geometry(format), date, pictures)
  }

  func preview(
    _ letter: LetterOrder, _ format: DirectMailV1.Format, page: Int, dotsPerInch: Int
  ) throws -> [UInt8] {
    let geometry = try PagePress.geometry(format)
    let sheets = try Typesetter(geometry, PictureShelf(folder: pictures)).pages(letter).pages
    if page == 0 {
      let document = try LetterDocument(nil, geometry, title: "Preview", date: letter.date)
      _ = document.add(sheets)
      return try document.finish().bytes
    }
    guard sheets.indices.contains(page - 1) else {
      throw LetterRefusal(
        reason: .conditionNotMet, field: "png_page", problem: "the letter has \(sheets.count)")
    }
    let canvas = try Canvas.picture(geometry, dotsPerInch: Double(dotsPerInch))
    canvas.draw(sheets[page - 1].marks)
    return try canvas.png()
  }

  private static func geometry(_ format: DirectMailV1.Format) throws -> PageGeometry {
    guard let geometry = PageGeometry(format) else {
      throw LetterRefusal(
        reason: .conditionNotMet, field: "format", problem: "\(format) is not printed here")
    }
    return geometry
  }
}

/// One document, of the letters of one batch.
private final class PagePressRun: PressRun {
  private let typesetter: Typesetter
  private let document: LetterDocument
  private var prepared: [String: [Page]] = [:]

  init(
    _ path: String, _ geometry: PageGeometry, _ date: Instant, _ pictures: String?
  ) throws(PageError) {
    typesetter = try Typesetter(geometry, PictureShelf(folder: pictures))
    document = try LetterDocument(path, geometry, title: "Letters", date: date)
  }

  func prepare(_ letter: LetterOrder) throws -> SheetFacts {
    let (pages, facts) = try typesetter.pages(letter)
    prepared[letter.order.id] = pages
    return facts
  }

  func draw(_ id: String) throws -> ClosedRange<Int> {
    guard let pages = prepared.removeValue(forKey: id) else {
      preconditionFailure("a letter is drawn once, after it was prepared")
    }
    return document.add(pages)
  }

  func drop(_ id: String) { prepared[id] = nil }

  func finish() throws -> Int { try document.finish().pages }
}

/// Lays letters out. Belongs to one thread.
final class Typesetter {
  private let geometry: PageGeometry
  private let setter: TextSetter
  private let shelf: PictureShelf
  /// By their text; those of one batch are few.
  private var templates: [String: LetterTemplate] = [:]
  private var zones: [String: TimeZoneRules] = [:]

  private static let templatesMax = 64

  init(_ geometry: PageGeometry, _ shelf: PictureShelf) throws(PageError) {
    self.geometry = geometry
    self.shelf = shelf
    setter = try TextSetter()
  }

  /// - Throws: for what cannot be printed.
  func pages(_ letter: LetterOrder) throws(LetterRefusal) -> (pages: [Page], facts: SheetFacts) {
    let template = try template(letter.template.text)
    let content = try LetterContent(
      letter, template, zone: zone(letter.store.settings?.timeZone ?? ""))
    var layout = LetterLayout(template, content, geometry, setter, shelf)
    do {
      return (try layout.run(), SheetFacts(addressLines: content.address.lines))
    } catch  where error.field == "address" {
      throw LetterRefusal(
        reason: error.reason, field: addressField(letter), problem: error.problem)
    }
  }

  private func template(_ text: String) throws(LetterRefusal) -> LetterTemplate {
    if let known = templates[text] { return known }
    do {
      let template = try LetterTemplate(text: text)
      if templates.count >= Typesetter.templatesMax { templates = [:] }
      templates[text] = template
      return template
    } catch {
      let first = error.faults.first
      throw LetterRefusal(
        reason: .conditionNotMet, field: first?.place ?? "template", problem: first?.problem ?? "")
    }
  }

  /// UTC where there is no such zone: a date may then be a day off, and no more.
  private func zone(_ name: String) -> TimeZoneRules {
    if let known = zones[name] { return known }
    let rules = (try? TimeZoneRules(name: name)) ?? .utc
    zones[name] = rules
    return rules
  }

  /// The part of the address that a character without a glyph stands in.
  private func addressField(_ letter: LetterOrder) -> String {
    let address = letter.facts.contact?.profile?.address ?? CommonV1.Address()
    let parts: [(String, [String])] = [
      ("company", [address.company]), ("department", [address.department]),
      ("person", [address.person]), ("street_lines", address.streetLines),
      ("post_office_box", [address.postOfficeBox]), ("locality", [address.locality]),
      ("dependent_locality", [address.dependentLocality]), ("region", [address.region]),
      ("postal_code", [address.postalCode]),
    ]
    let style = TextStyle(size: 10)
    for (field, texts) in parts {
      for text in texts {
        do {
          _ = try setter.set(text, style, language: letter.locale)
        } catch {
          return field
        }
      }
    }
    // What the address does not say comes from the contact's name.
    return "person"
  }
}
