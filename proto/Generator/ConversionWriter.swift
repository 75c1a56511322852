internal import Descriptors

/// The two ways between a message's struct and its C struct.
struct ConversionWriter {
  private let message: MessageDescriptor
  private let package: Contract.Package
  private let contract: Contract
  private let members: [Member]
  private let c: String

  init(_ message: MessageDescriptor, _ package: Contract.Package, _ contract: Contract) {
    self.message = message
    self.package = package
    self.contract = contract
    members = Member.all(of: message, package, contract)
    c = Names.cType(message.fullName)
  }

  func text() -> SourceText {
    var text = SourceText()
    text.block("extension \(contract.absolute(message.fullName)): CConvertible") { text in
      writeEntries(&text)
      text.line()
      writeDecode(&text)
      text.line()
      writeEncode(&text)
    }
    return text
  }

  private func writeEntries(_ text: inout SourceText) {
    text.line("public static func decode(")
    text.line("  _ bytes: UnsafeRawBufferPointer, in arena: Arena")
    text.block(") throws(MessageError) -> Self") { text in
      let unpack = Names.cFunction(message.fullName) + "__unpack"
      let function = contract.isScanned(message) ? "unpackScanned" : "unpack"
      text.list("try Self(try arena.\(function)(", [unpack, "bytes"], "))")
    }
    text.line()
    text.line("public func encode(")
    text.line("  in arena: Arena, into destination: (_ size: Swift.Int) -> UnsafeMutableRawPointer")
    text.line(") throws(MessageError) { try arena.pack(self, into: destination) }")
  }

  // MARK: From C

  /// First all that may throw, into constants, then the properties: a struct that is half made when
  /// an error comes costs a copy of every field on the good path too.
  private func writeDecode(_ text: inout SourceText) {
    let isChecked = ["google.protobuf.Timestamp", "google.protobuf.Duration"]
      .contains(message.fullName)
    text.function("init(", ["_ c: UnsafePointer<\(c)>"], ") throws(MessageError)") { text in
      for member in members {
        switch member {
        case .field(let shape): read(shape, &text)
        case .oneof(let oneof): read(oneof, &text)
        }
      }
      for member in members {
        let target = "self.\(member.name) = "
        switch member {
        case .field(let shape) where !shape.mayThrow: assign(target, shape, &text)
        default: text.line(target + member.name)
        }
      }
      if isChecked { text.line("try checkRange()") }
    }
  }

  /// A number, in one expression.
  private func assign(_ target: String, _ shape: FieldShape, _ text: inout SourceText) {
    if shape.field.isProto3Optional {
      text.line(target + "\(shape.isAbsent) ? nil")
      write("  : ", shape, isRequired: false, &text)
    } else {
      write(target, shape, isRequired: false, &text)
    }
  }

  private func read(_ shape: FieldShape, _ text: inout SourceText) {
    let field = shape.field
    let target = "let \(shape.name) = "
    if field.isRepeated {
      readList(shape, &text)
    } else if field.kind == .message {
      let function = field.options.isRequired ? "required" : "optional"
      text.list(
        "\(target)try \(shape.absoluteBase).\(function)(", [shape.c, "\"\(field.name)\""], ")")
    } else if field.isProto3Optional {
      if field.options.isRequired {
        text.line("if \(shape.isAbsent) { throw .missing(\"\(field.name)\") }")
      }
      if shape.mayThrow {
        text.line("\(target)\(shape.isAbsent) ? nil")
        write("  : ", shape, isRequired: false, &text)
      }
    } else {
      let isRequired = field.options.isRequired
      if shape.mayThrow {
        write(target, shape, isRequired: isRequired, &text)
      } else if isRequired {
        let number = shape.c + (field.kind == .enum ? ".rawValue" : "")
        text.line("if \(number) == 0 { throw .missing(\"\(field.name)\") }")
      }
    }
  }

  private func read(_ oneof: OneofShape, _ text: inout SourceText) {
    text.line("let \(oneof.name): \(oneof.type)?")
    text.line("switch \(oneof.c).rawValue {")
    for member in oneof.members {
      text.line("case \(member.field.number):")
      text.line("  \(oneof.name) = .\(member.name)(")
      if member.field.kind == .message {
        text.list(
          "    try \(member.absoluteBase).required(",
          [member.c, "\"\(member.field.name)\""], "))")
      } else {
        write("    ", member, isRequired: false, &text, close: ")")
      }
    }
    text.line("default: \(oneof.name) = nil")
    text.line("}")
  }

  private func readList(_ shape: FieldShape, _ text: inout SourceText) {
    let field = shape.field
    var arguments = [shape.c, shape.count, "\"\(field.name)\""]
    if field.options.isRequired { arguments.append("isRequired: true") }
    if let limit = field.options.itemsMax { arguments.append("itemsMax: \(limit)") }
    if let limit = field.options.bytesMax { arguments.append("bytesMax: \(limit)") }
    let target = "let \(shape.name) = try "
    switch field.kind {
    case .message: text.list("\(target)\(shape.absoluteBase).list(", arguments, ")")
    case .string: text.list("\(target)FromC.texts(", arguments, ")")
    case .bytes: text.list("\(target)FromC.blobs(", arguments, ")")
    case .enum:
      text.list("\(target)FromC.list(", arguments, ").map {")
      text.line("  \(shape.absoluteBase)(rawValue: .init(truncatingIfNeeded: $0.rawValue))")
      text.line("}")
    case .bool: text.list("\(target)FromC.list(", arguments, ").map { $0 != 0 }")
    default: text.list("\(target)Swift.Array(FromC.list(", arguments, "))")
    }
  }

  /// One value that is no message.
  private func write(
    _ target: String, _ shape: FieldShape, isRequired: Bool, _ text: inout SourceText,
    close: String = ""
  ) {
    switch shape.field.kind {
    case .string, .bytes:
      var arguments = ["\"\(shape.field.name)\""]
      if isRequired { arguments.append("isRequired: true") }
      if let limit = shape.field.options.bytesMax { arguments.append("max: \(limit)") }
      let function = shape.field.kind == .string ? "text" : "bytes"
      text.list("\(target)try \(shape.c).\(function)(", arguments, ")\(close)")
    case .enum:
      let number = ".init(truncatingIfNeeded: \(shape.c).rawValue)"
      text.list("\(target).init(", ["rawValue: \(number)"], ")\(close)")
    case .bool: text.line("\(target)\(shape.c) != 0\(close)")
    default: text.line("\(target)\(shape.c)\(close)")
    }
  }

  // MARK: To C

  private func writeEncode(_ text: inout SourceText) {
    text.function(
      "func fill(", ["_ c: UnsafeMutablePointer<\(c)>", "in arena: Arena"], ") throws(MessageError)"
    ) { text in
      text.line("\(Names.cFunction(message.fullName))__init(c)")
      for member in members {
        switch member {
        case .field(let shape): encode(shape, &text)
        case .oneof(let oneof): encode(oneof, &text)
        }
      }
    }
  }

  private func encode(_ shape: FieldShape, _ text: inout SourceText) {
    let field = shape.field
    if field.isRepeated {
      let source = "self.\(shape.name)"
      text.line("\(shape.count) = \(source).count")
      switch field.kind {
      case .enum:
        text.line("\(shape.c) = try arena.copy(list: \(source).map {")
        text.line("  .init(.init(truncatingIfNeeded: $0.rawValue))")
        text.line("})")
      case .bool: text.line("\(shape.c) = try arena.copy(list: \(source).map { $0 ? 1 : 0 })")
      default: text.line("\(shape.c) = try arena.copy(list: \(source))")
      }
    } else if field.isProto3Optional && field.kind != .message {
      text.block("if let value = self.\(shape.name)") { text in
        text.line("c.pointee._\(field.name.lowercased())_case = .init(\(field.number))")
        text.line("\(shape.c) = \(cValue(shape, "value"))")
      }
    } else {
      text.line("\(shape.c) = \(cValue(shape, "self.\(shape.name)"))")
    }
  }

  private func cValue(_ shape: FieldShape, _ value: String) -> String {
    switch shape.field.kind {
    case .message, .string, .bytes: "try arena.copy(\(value))"
    case .enum: ".init(.init(truncatingIfNeeded: \(value).rawValue))"
    case .bool: "\(value) ? 1 : 0"
    default: value
    }
  }

  private func encode(_ oneof: OneofShape, _ text: inout SourceText) {
    text.line("switch self.\(oneof.name) {")
    text.line("case nil: break")
    for member in oneof.members {
      text.line("case .\(member.name)(let value)?:")
      text.line("  \(oneof.c) = .init(\(member.field.number))")
      text.line("  \(member.c) = \(cValue(member, "value"))")
    }
    text.line("}")
  }
}
