internal import Texts

/// A letter's template, compiled: its look, and what it says in blocks from top to bottom.
///
/// Where a block lies is the format's affair: a template holds no coordinates.
struct LetterTemplate: Sendable {
  struct Design: Hashable, Sendable {
    /// How the letterhead looks.
    enum Look: String, CaseIterable, Sendable {
      /// The name in the accent's colour over a thin line.
      case rule
      /// The name in white on a band of the accent's colour.
      case band
    }

    var look = Look.rule
    var face = TextStyle.Face.sans
    var accent = Colour(red: 0.12, green: 0.31, blue: 0.47)
  }

  /// A row beside the address field, left out where its text is empty.
  struct Row: Sendable {
    let label: TemplateProgram
    let text: TemplateProgram
  }

  /// The cart's lines as a table.
  struct Items: Sendable {
    var product: TemplateProgram?
    var quantity: TemplateProgram?
    var unitPrice: TemplateProgram?
    var total: TemplateProgram?
    /// Before the cart's total; without it none is shown.
    var sum: TemplateProgram?
    /// Below the lines, such as how many more there are.
    var more: TemplateProgram?
    var showsPictures = true
  }

  struct Panel: Sendable {
    var title: TemplateProgram?
    var text: TemplateProgram?
  }

  enum Block: Sendable {
    case subject(TemplateProgram)
    /// Each line is a paragraph.
    case text(TemplateProgram)
    /// Lines close together.
    case lines(TemplateProgram)
    case items(Items)
    /// On a tinted ground.
    case panel(Panel)
    /// The code that leads to the cart, with words beside it.
    case code(Panel)
  }

  /// What the law asks for (D10).
  struct Notice: Sendable {
    var sender: TemplateProgram?
    var source: TemplateProgram?
    var objection: TemplateProgram?
  }

  var design = Design()
  var name: TemplateProgram?
  var tagline: TemplateProgram?
  var information: [Row] = []
  var blocks: [Block] = []
  var notice = Notice()
  /// Columns.
  var footer: [TemplateProgram] = []
  /// Parameters without which a letter is held, in order of their names.
  var required: [String] = []
  /// Those that the text uses, in order of their names.
  var parameters: [String] = []

  /// - Throws: all that is wrong.
  init(text: String) throws(LetterFaults) {
    var reader = LetterReader(text)
    self = try reader.read()
  }

  /// For the reader.
  init() {}
}

/// What is wrong with a template's text.
struct LetterFaults: Error, Hashable, Sendable {
  struct Fault: Hashable, Sendable {
    /// From 1.
    let line: Int
    let column: Int
    /// The block, and the field in it.
    let field: String
    let problem: String

    /// As the contract names it: `line:column field`.
    var place: String { "\(line):\(column)\(field.isEmpty ? "" : " \(field)")" }
  }

  static let countMax = 100

  /// In order of the text.
  let faults: [Fault]
}
