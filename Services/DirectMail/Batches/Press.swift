internal import Messages
internal import ServiceKit

/// Everything that one letter is made from, all of it read before: the same gives the same bytes.
struct LetterOrder: Sendable {
  let order: CommonV1.SendOrder
  /// Of the order's contact and cart.
  let facts: CartTrackerV1.Facts
  /// With its settings and imprint.
  let store: CartTrackerV1.Store
  let template: DirectMailV1.Template
  /// BCP 47: what the recipient reads.
  let locale: String
  /// Behind the code that leads to the cart.
  let cartLink: String
  /// Behind the code of the right to object, and the same to be typed (D10).
  let objectionLink: String
  let objectionCode: String
  let isSample: Bool
  /// The date on the letter.
  let date: Instant
}

/// A letter that is laid out, and not drawn yet.
struct SheetFacts: Sendable, Hashable {
  /// The address field line by line.
  let addressLines: [String]
}

/// Why one letter cannot be printed as it is.
struct LetterRefusal: Error, Sendable, Hashable {
  /// BAD_DESTINATION, GLYPH_MISSING or MISSING_VALUE.
  let reason: CommonV1.ReasonCode
  /// Of the address or the template.
  let field: String
  /// For a developer's eyes: holds no personal data.
  let problem: String
}

/// Makes pages. Every function may block, and is called on threads of our own.
protocol Press: Sendable {
  /// What is wrong with a template's text, each with `line:column field`; and what it uses.
  func check(
    _ text: String, _ format: DirectMailV1.Format
  ) -> (faults: [(field: String, problem: String)], parameters: [String])

  /// Begins a document at a path; used by the calling thread only.
  func begin(_ path: String, _ format: DirectMailV1.Format, date: Instant) throws -> any PressRun

  /// One letter as PDF, or one page of it.
  ///
  /// - Throws: `LetterRefusal`.
  func preview(
    _ letter: LetterOrder, _ format: DirectMailV1.Format, page: Int, dotsPerInch: Int
  ) throws -> [UInt8]
}

/// One document for many letters. Belongs to one thread.
protocol PressRun: AnyObject {
  /// Lays a letter out and keeps it for `draw`.
  ///
  /// - Throws: `LetterRefusal`.
  func prepare(_ letter: LetterOrder) throws -> SheetFacts
  /// Draws a letter that was prepared, and forgets it.
  ///
  /// - Returns: its pages, from 1.
  func draw(_ id: String) throws -> ClosedRange<Int>
  /// Forgets a letter that was prepared.
  func drop(_ id: String)
  /// Ends the document, which is complete then.
  ///
  /// - Returns: its pages.
  func finish() throws -> Int
}
