internal import Descriptors

/// The Swift files of one package's messages and enums: their declarations, and their conversions.
func messageFiles(_ package: Contract.Package, _ contract: Contract) -> [OutputFile] {
  let folder = "Shared/Messages/Generated"
  var types = package.files.map { Section(source: $0.name, declarations: []) }
  var conversions = types
  var namespace = SourceText()
  namespace.doc(["Messages of the proto package `\(package.name)`."])
  namespace.line("public enum \(package.namespace) {}")
  types[0].declarations.append(namespace)
  for (index, file) in package.files.enumerated() {
    for entry in file.enums {
      var text = SourceText()
      text.block("extension \(package.namespace)") { writeEnum(entry, package, &$0) }
      types[index].declarations.append(text)
    }
    for message in file.messages {
      var text = SourceText()
      text.block("extension \(package.namespace)") {
        MessageWriter(message, package, contract).write(&$0)
      }
      types[index].declarations.append(text)
      addConversions(message, package, contract, &conversions[index].declarations)
    }
  }
  let imports = ["internal import CMessages", "internal import CProtobufC"]
  return swiftFiles(folder, package.name, imports: [], types)
    + swiftFiles(folder, package.name + ".codec", imports: imports, conversions)
}

private func addConversions(
  _ message: MessageDescriptor, _ package: Contract.Package, _ contract: Contract,
  _ texts: inout [SourceText]
) {
  texts.append(ConversionWriter(message, package, contract).text())
  for inner in message.messages { addConversions(inner, package, contract, &texts) }
}

/// A message as a struct.
struct MessageWriter {
  private let message: MessageDescriptor
  private let package: Contract.Package
  private let contract: Contract
  private let members: [Member]

  init(_ message: MessageDescriptor, _ package: Contract.Package, _ contract: Contract) {
    self.message = message
    self.package = package
    self.contract = contract
    members = Member.all(of: message, package, contract)
  }

  func write(_ text: inout SourceText) {
    text.doc([message.comment.isEmpty ? "`\(message.fullName)`." : comment(message.comment)])
    let proto = package.outside("Message", from: "Messages")
    text.block("public struct \(message.name): \(proto)") { text in
      for member in members { writeProperty(member, &text) }
      if !members.isEmpty { text.line() }
      writeInits(&text)
      text.line()
      let string = package.outside("String", from: "Swift")
      text.line("public static var fullName: \(string) { \"\(message.fullName)\" }")
      for case .oneof(let oneof) in members {
        text.line()
        writeOneof(oneof, &text)
      }
      for entry in message.enums {
        text.line()
        writeEnum(entry, package, &text)
      }
      for inner in message.messages {
        text.line()
        MessageWriter(inner, package, contract).write(&text)
      }
    }
  }

  private func writeProperty(_ member: Member, _ text: inout SourceText) {
    switch member {
    case .field(let shape):
      text.doc([comment(shape.field.comment), shape.rules])
      if shape.field.options.isDeprecated { text.line("@available(*, deprecated)") }
    case .oneof(let oneof): text.doc([oneof.comment])
    }
    text.line("public var \(member.name): \(member.type)")
  }

  /// Of the pages that protobuf's own files write, the first paragraph will do.
  private func comment(_ comment: String) -> String {
    if package.name.hasPrefix("homing.") { return comment }
    let lines = comment.split(separator: "\n", omittingEmptySubsequences: false)
    return lines.prefix { !$0.isEmpty }.joined(separator: "\n")
  }

  private func writeInits(_ text: inout SourceText) {
    if members.isEmpty {
      text.line("public init() {}")
      return
    }
    text.block("public init()") { text in
      for member in members { text.line("self.\(member.name) = \(member.defaultValue)") }
    }
    text.line()
    let arguments = members.map { "\($0.name): \($0.type) = \($0.defaultValue)" }
    text.function("public init(", arguments, ")") { text in
      for member in members { text.line("self.\(member.name) = \(member.name)") }
    }
  }

  private func writeOneof(_ oneof: OneofShape, _ text: inout SourceText) {
    text.doc([oneof.comment.isEmpty ? "Which field of the oneof is set." : oneof.comment])
    text.block("public enum \(oneof.type): Hashable, Sendable") { text in
      for member in oneof.members {
        text.doc([member.field.comment, member.rules])
        text.line("case \(member.name)(\(member.base))")
      }
    }
  }
}

/// An enum as a struct round its number, so that unknown numbers are kept.
func writeEnum(_ entry: EnumDescriptor, _ package: Contract.Package, _ text: inout SourceText) {
  let int = package.outside("Int32", from: "Swift")
  let string = package.outside("String", from: "Swift")
  text.doc([entry.comment.isEmpty ? "`\(entry.fullName)`." : entry.comment])
  let conformances = "RawRepresentable, Hashable, Sendable, CustomStringConvertible"
  text.block("public struct \(entry.name): \(conformances)") { text in
    text.doc(["The number on the wire; may be one that this version does not know."])
    text.line("public let rawValue: \(int)")
    text.line()
    text.line("public init(rawValue: \(int)) { self.rawValue = rawValue }")
    text.line()
    for value in entry.values {
      let name = Names.quoted(Names.enumValue(value.name, of: entry.name))
      text.doc([value.comment])
      text.line("public static let \(name) = Self(rawValue: \(value.number))")
    }
    text.line()
    text.doc(["The name in the proto file, or the number where it has none."])
    text.block("public var description: \(string)") { text in
      text.line("switch rawValue {")
      var seen: Set<Int32> = []
      for value in entry.values where seen.insert(value.number).inserted {
        text.line("case \(value.number): \"\(value.name)\"")
      }
      text.line("default: \"\\(rawValue)\"")
      text.line("}")
    }
  }
}
