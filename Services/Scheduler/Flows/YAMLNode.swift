/// A value of a YAML text with its place: only what flow files use.
struct YAMLNode {
  enum Value {
    /// Never read as a number, a flag or nothing: what it is to be decides the field.
    case text(String, isQuoted: Bool)
    case list([YAMLNode])
    case fields([(key: YAMLNode, value: YAMLNode)])
    /// A field whose value was left out.
    case nothing
  }

  var value: Value
  /// From 1; columns count Unicode scalars.
  var line: Int
  var column: Int
  /// How the text is written; nil for lists and mappings.
  var style: YAMLTextStyle?

  var text: String? {
    if case .text(let text, _) = value { return text }
    return nil
  }

  /// For sentences: what stands here.
  var kind: String {
    switch value {
    case .text(let text, _): Quoted.text(text)
    case .list: "a list"
    case .fields: "fields"
    case .nothing: "nothing"
    }
  }
}

enum YAMLTextStyle { case plain, singleQuoted, doubleQuoted, block }
