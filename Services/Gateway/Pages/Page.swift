internal import Messages
internal import ServiceKit

/// A page for a person: plain HTML that needs neither script nor anything else to load.
struct Page: Sendable {
  private enum Mark { case envelope, tick, link, clock }
  private enum Form {
    case none
    case button(String)
    /// Where the code of a letter is typed.
    case code(LetterTexts)
  }

  private let texts: PageTexts
  private let store: String
  private let mark: Mark
  private let title: String
  /// HTML.
  private let text: String
  private let form: Form

  /// Asks, or says that it is done.
  static func unsubscribe(_ known: NotifierV1.DescribeUnsubscribeResponse) -> Page {
    let texts = PageTexts.of([known.locale])
    let what = texts.what(known.channel)
    // The texts are ours and hold nothing that HTML takes for its own; the values are escaped, with
    // their braces, so that none is taken for a placeholder.
    func filled(_ text: String) -> String {
      text.replacing("{what}", with: escaped(what))
        .replacing("{store}", with: "<bdi>\(escaped(known.storeName))</bdi>")
        .replacing("{address}", with: "<bdi class=\"address\">\(escaped(known.address))</bdi>")
    }
    return Page(
      texts: texts, store: known.storeName, mark: known.done ? .tick : .envelope,
      title: known.done ? texts.done : texts.question.replacing("{what}", with: what),
      text: filled(known.done ? texts.doneText : texts.consequence),
      form: known.done ? .none : .button(texts.button))
  }

  /// The link leads nowhere.
  static func gone(_ texts: PageTexts) -> Page {
    Page(
      texts: texts, store: "", mark: .link, title: texts.gone, text: escaped(texts.goneText),
      form: .none)
  }

  /// Whether letters are to end.
  static func objection(_ texts: PageTexts) -> Page {
    let letter = texts.letter
    return Page(
      texts: texts, store: "", mark: .envelope, title: letter.question,
      text: escaped(letter.consequence), form: .button(letter.button))
  }

  /// Letters have ended.
  static func objected(_ texts: PageTexts) -> Page {
    Page(
      texts: texts, store: "", mark: .tick, title: texts.letter.done,
      text: escaped(texts.letter.doneText), form: .none)
  }

  /// Asks for the code of a letter.
  ///
  /// - Parameter isWrong: one was typed that no letter has.
  static func letterCode(_ texts: PageTexts, isWrong: Bool = false) -> Page {
    let letter = texts.letter
    return Page(
      texts: texts, store: "", mark: isWrong ? .link : .envelope,
      title: isWrong ? letter.wrong : letter.question,
      text: escaped(isWrong ? letter.wrongText : letter.codeText), form: .code(letter))
  }

  /// Something is away that the answer needs.
  static func later(_ texts: PageTexts) -> Page {
    Page(
      texts: texts, store: "", mark: .clock, title: texts.later, text: escaped(texts.laterText),
      form: .none)
  }

  func answer(_ status: Int) -> WebAnswer {
    WebAnswer(
      status: status,
      headers: [
        "Content-Type": "text/html; charset=utf-8", "Content-Language": texts.language,
        "Content-Security-Policy": Page.policy,
      ], body: Array(html.utf8))
  }

  private static let policy =
    "default-src 'none'; style-src 'sha256-\(WebText.base64(SHA256.hash(Array(style.utf8))))'; "
    + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

  private var html: String {
    let store = store.isEmpty ? "" : "<p class=\"store\"><bdi>\(Page.escaped(store))</bdi></p>\n"
    return """
      <!doctype html>
      <html lang="\(texts.language)">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <meta name="robots" content="noindex, nofollow">
      <title>\(Page.escaped(title))</title>
      <style>\(Page.style)</style>
      </head>
      <body>
      <main>
      \(store)\(drawing)
      <h1>\(Page.escaped(title))</h1>
      <p>\(text)</p>
      \(fields)</main>
      </body>
      </html>

      """
  }

  private var fields: String {
    let (input, button) =
      switch form {
      case .none: ("", "")
      case .button(let text):
        (
          #"<input type="hidden" name="\#(OptOutForm.field)" value="\#(OptOutForm.value)">"#, text
        )
      case .code(let letter):
        (
          #"<label for="code">\#(Page.escaped(letter.label))</label>"#
            + #"<input id="code" name="\#(ObjectionForm.field)" required maxlength="32""#
            + #" autocomplete="off" autocapitalize="characters" spellcheck="false""#
            + #" placeholder="XXXX-XXXX-XXXX-XXXX">"#, letter.button
        )
      }
    if button.isEmpty { return "" }
    return """
      <form method="post">
      \(input)
      <button type="submit">\(Page.escaped(button))</button>
      </form>

      """
  }

  private var drawing: String {
    let (lines, tone) =
      switch mark {
      case .envelope:
        (
          #"<rect x="3" y="5.5" width="18" height="13" rx="2"/><path d="m3.6 7 8.4 6.2L20.4 7"/>"#,
          ""
        )
      case .tick: (#"<circle cx="12" cy="12" r="9"/><path d="m8 12.4 2.7 2.7L16 9.6"/>"#, " good")
      case .link:
        (
          #"<path d="M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0"#
            + #"l-3 3A4 4 0 0 0 11 18.7l1-1M4 4l16 16"/>"#, ""
        )
      case .clock: (#"<circle cx="12" cy="12" r="9"/><path d="M12 7v5.3l3.4 2"/>"#, "")
      }
    return #"<svg class="mark\#(tone)" viewBox="0 0 24 24" aria-hidden="true">\#(lines)</svg>"#
  }

  /// Text that says nothing in HTML, within an element or a quoted attribute.
  static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "{": result += "&#123;"
      case "}": result += "&#125;"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
