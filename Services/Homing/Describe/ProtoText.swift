internal import Descriptors

/// Writes declarations as the proto source they came from, as far as descriptors remember it.
struct ProtoText {
  /// Types of this package are written without it.
  private let packageName: String
  private(set) var lines: [String] = []
  private var level = 0

  init(packageName: String) {
    self.packageName = packageName
  }

  // MARK: Declarations

  mutating func add(_ service: ServiceDescriptor) {
    addComment(service.comment)
    block("service \(service.name)") { text in
      for (index, method) in service.methods.enumerated() {
        if index > 0 { text.add("") }
        text.add(method)
      }
    }
  }

  mutating func add(_ method: MethodDescriptor) {
    addComment(method.comment)
    let (streamsRequests, streamsAnswers) =
      switch method.kind {
      case .unary: (false, false)
      case .clientStreaming: (true, false)
      case .serverStreaming: (false, true)
      case .bidirectional: (true, true)
      }
    let request = (streamsRequests ? "stream " : "") + reference(method.inputType)
    let answer = (streamsAnswers ? "stream " : "") + reference(method.outputType)
    var options = method.roles.map { "(homing.options.v1.roles) = \(quoted($0))" }
    if method.idempotency != .unknown {
      options.insert("idempotency_level = \(method.idempotency.optionText)", at: 0)
    }
    let head = "rpc \(method.name)(\(request)) returns (\(answer))"
    if options.isEmpty {
      add(head + ";")
    } else {
      block(head) { text in
        for option in options { text.add("option \(option);") }
      }
    }
  }

  mutating func add(_ message: MessageDescriptor) {
    addComment(message.comment)
    guard !message.fields.isEmpty || !message.messages.isEmpty || !message.enums.isEmpty else {
      add("message \(message.name) {}")
      return
    }
    block("message \(message.name)") { text in
      text.addFields(message)
      for inner in message.messages where !inner.isMapEntry {
        text.add("")
        text.add(inner)
      }
      for inner in message.enums {
        text.add("")
        text.add(inner)
      }
    }
  }

  mutating func add(_ declaration: EnumDescriptor) {
    addComment(declaration.comment)
    block("enum \(declaration.name)") { text in
      for value in declaration.values {
        text.addComment(value.comment)
        text.add("\(value.name) = \(value.number);")
      }
    }
  }

  // MARK: Fields

  private mutating func addFields(_ message: MessageDescriptor) {
    var writtenOneofs: Set<Int> = []
    for field in message.fields {
      guard let index = field.declaredOneof, message.oneofs.indices.contains(index) else {
        add(field, of: message)
        continue
      }
      guard writtenOneofs.insert(index).inserted else { continue }
      let oneof = message.oneofs[index]
      addComment(oneof.comment)
      block("oneof \(oneof.name)") { text in
        for member in message.members(ofOneof: index) { text.add(member, of: message) }
      }
    }
  }

  private mutating func add(_ field: FieldDescriptor, of message: MessageDescriptor) {
    addComment(field.comment)
    let entry = message.messages.first { $0.isMapEntry && $0.fullName == field.typeName }
    var head: String
    if let entry, let key = entry.fields.first, let value = entry.fields.last {
      head = "map<\(typeText(key)), \(typeText(value))>"
    } else {
      head = field.isRepeated ? "repeated " : field.isProto3Optional ? "optional " : ""
      head += typeText(field)
    }
    head += " \(field.name) = \(field.number)"
    let options = optionTexts(field)
    add(options.isEmpty ? head + ";" : head + " [\(options.joined(separator: ", "))];")
  }

  private func optionTexts(_ field: FieldDescriptor) -> [String] {
    let options = field.options
    var texts: [String] = []
    if let packed = options.packed { texts.append("packed = \(packed)") }
    if options.isDeprecated { texts.append("deprecated = true") }
    if options.isStore { texts.append("(homing.options.v1.store) = true") }
    if options.isRequired { texts.append("(homing.options.v1.required) = true") }
    if let bytesMax = options.bytesMax {
      texts.append("(homing.options.v1.bytes_max) = \(bytesMax)")
    }
    if let itemsMax = options.itemsMax {
      texts.append("(homing.options.v1.items_max) = \(itemsMax)")
    }
    return texts
  }

  private func typeText(_ field: FieldDescriptor) -> String {
    switch field.kind {
    case .message, .enum, .group: reference(field.typeName)
    default: "\(field.kind)"
    }
  }

  private func reference(_ typeName: String) -> String {
    let prefix = packageName + "."
    guard !packageName.isEmpty, typeName.hasPrefix(prefix) else { return typeName }
    return String(typeName.dropFirst(prefix.count))
  }

  // MARK: Lines

  private mutating func block(_ head: String, _ body: (inout ProtoText) -> Void) {
    add(head + " {")
    level += 1
    body(&self)
    level -= 1
    add("}")
  }

  private mutating func addComment(_ comment: String) {
    guard !comment.isEmpty else { return }
    for line in comment.split(separator: "\n", omittingEmptySubsequences: false) {
      add(line.isEmpty ? "//" : "// \(line)")
    }
  }

  private func quoted(_ text: String) -> String {
    "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }

  mutating func add(_ line: String) {
    let indent = line.isEmpty ? "" : String(repeating: "  ", count: level)
    lines.append(indent + Printable.text(line))
  }
}
