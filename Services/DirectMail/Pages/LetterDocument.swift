internal import ServiceKit

/// One PDF for many letters: fonts and pictures are in it once.
///
/// Pages go to the file while they are drawn. Belongs to one thread.
final class LetterDocument {
  private let canvas: Canvas
  private var pages = 0

  /// - Parameter path: nil keeps the document in memory.
  init(
    _ path: String?, _ geometry: PageGeometry, title: String, date: Instant
  ) throws(PageError) {
    canvas = try Canvas.document(
      path, geometry, title: title, date: "\(Instant(seconds: date.seconds))")
  }

  /// - Returns: the letter's pages, from 1.
  func add(_ letter: [Page]) -> ClosedRange<Int> {
    precondition(!letter.isEmpty)
    let first = pages + 1
    for page in letter {
      canvas.draw(page.marks)
      canvas.endPage()
    }
    pages += letter.count
    return first...pages
  }

  /// - Returns: the number of pages, and the bytes where they were kept in memory.
  /// - Throws: where anything could not be written.
  func finish() throws(PageError) -> (pages: Int, bytes: [UInt8]) {
    (pages, try canvas.finish())
  }
}
