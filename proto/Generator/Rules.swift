internal import Descriptors

/// What a proto file must keep to for the binding to be safe, or possible at all.
struct Rules {
  private let contract: Contract
  private var found: [String] = []

  init(_ contract: Contract) { self.contract = contract }

  /// One line for each fault, as `file:line: name: what is wrong`.
  func faults() -> [String] {
    var rules = self
    for file in contract.files { rules.check(file) }
    for package in contract.packages { rules.checkNames(package) }
    rules.checkNamespaces()
    // Only where single files are sound; a graph with unknown types says nothing.
    if rules.found.isEmpty {
      rules.checkNesting()
      rules.checkStores()
    }
    return rules.found
  }

  private mutating func fault(_ file: FileDescriptor, _ line: Int, _ name: String, _ what: String) {
    found.append("\(file.name):\(line): \(name): \(what)")
  }

  private mutating func check(_ file: FileDescriptor) {
    if file.syntax != "proto3" { fault(file, 1, file.name, "syntax must be proto3") }
    for field in file.extensions {
      fault(file, field.line, field.name, "extensions belong into homing/options/v1")
    }
    for entry in file.enums { check(entry, file) }
    for message in file.messages { check(message, file) }
    for service in file.services {
      for method in service.methods {
        for type in [method.inputType, method.outputType] where !contract.isGenerated(type) {
          fault(file, method.line, method.fullName, "no code is generated for \(type)")
        }
      }
      let names = service.methods.map { (Names.lowerFirst($0.name), $0.name, $0.line) }
      checkUnique(names, in: service.fullName, file)
    }
  }

  private mutating func check(_ entry: EnumDescriptor, _ file: FileDescriptor) {
    if entry.values.first?.number != 0 {
      fault(file, entry.line, entry.fullName, "the first value of an enum must be 0, unspecified")
    }
    let names = entry.values.map { value in
      (Names.enumValue(value.name, of: entry.name), value.name, entry.line)
    }
    checkUnique(names, in: entry.fullName, file)
  }

  private mutating func check(_ message: MessageDescriptor, _ file: FileDescriptor) {
    for field in message.fields { check(field, of: message, file) }
    for field in message.extensions {
      fault(file, field.line, field.name, "extensions belong into homing/options/v1")
    }
    if message.fields.count > 64 {
      fault(file, message.line, message.fullName, "has more than 64 fields")
    }
    let stores = message.fields.filter(\.options.isStore)
    if stores.count > 1 {
      fault(file, stores[1].line, message.fullName, "more than one field has the option store")
    }
    var names = message.fields.map { (Names.lowerCamel($0.name), $0.name, $0.line) }
    var types = message.messages.map { ($0.name, $0.name, $0.line) }
    types += message.enums.map { ($0.name, $0.name, $0.line) }
    for oneof in message.oneofs where !oneof.name.hasPrefix("_") {
      names.append((Names.lowerCamel(oneof.name), oneof.name, message.line))
      types.append((Names.upperCamel(oneof.name), oneof.name, message.line))
    }
    // Members of a oneof are cases of an enum, but a case and a property may not differ only there.
    checkUnique(names, in: message.fullName, file)
    checkUnique(types, in: message.fullName, file)
    for inner in message.messages where !inner.isMapEntry { check(inner, file) }
    for inner in message.enums { check(inner, file) }
  }

  private mutating func check(
    _ field: FieldDescriptor, of message: MessageDescriptor, _ file: FileDescriptor
  ) {
    func isIn(_ kinds: FieldDescriptor.Kind...) -> Bool { kinds.contains(field.kind) }
    var wrong: [String] = []
    let options = field.options
    if isIn(.group) { wrong.append("groups are not supported") }
    if field.label == .required { wrong.append("proto2's required is not supported") }
    if message.messages.contains(where: { $0.isMapEntry && $0.fullName == field.typeName }) {
      wrong.append("map fields are not supported; use a repeated message with a key")
    } else if isIn(.message, .enum) && !contract.isGenerated(field.typeName) {
      wrong.append("no code is generated for \(field.typeName)")
    }
    for number in options.unknown where file.packageName.hasPrefix("homing.") {
      wrong.append("option \(number) is not known")
    }
    if options.isRequired {
      if isIn(.bool) && !field.isProto3Optional && !field.isRepeated {
        wrong.append("required on a bool would forbid false; make it optional")
      }
      if field.declaredOneof != nil { wrong.append("required on a member of a oneof") }
    }
    if let limit = options.bytesMax {
      if !isIn(.string, .bytes) { wrong.append("bytes_max on a field without bytes") }
      if limit == 0 { wrong.append("bytes_max of 0") }
    }
    if let limit = options.itemsMax {
      if !field.isRepeated { wrong.append("items_max on a field that is not repeated") }
      if limit == 0 { wrong.append("items_max of 0") }
    }
    if options.isStore && (!isIn(.string) || field.isRepeated || field.oneofIndex != nil) {
      wrong.append("store on something else than a plain string")
    }
    for what in wrong { fault(file, field.line, field.fullName, what) }
  }

  // MARK: Names

  /// Names that Swift or the generated code has already given away.
  private static let takenMembers: Set = ["self", "init", "hashValue", "fill", "c"]
  private static let takenTypes: Set = ["Type", "Protocol", "Self", "Any"]

  private mutating func checkUnique(
    _ names: [(swift: String, proto: String, line: Int)], in scope: String, _ file: FileDescriptor
  ) {
    var seen: [String: String] = [:]
    for name in names {
      if let other = seen[name.swift] {
        fault(file, name.line, scope, "\(other) and \(name.proto) are both \(name.swift) in Swift")
      }
      seen[name.swift] = name.proto
      if Rules.takenMembers.contains(name.swift) || Rules.takenTypes.contains(name.swift) {
        fault(file, name.line, scope, "\(name.proto) is \(name.swift) in Swift, which is taken")
      }
    }
  }

  private mutating func checkNames(_ package: Contract.Package) {
    var seen: [String: String] = [:]
    for file in package.files {
      var names = file.messages.map { ($0.name, $0.line) } + file.enums.map { ($0.name, $0.line) }
      for service in file.services {
        names += ["Methods", "Client", "Service"].map { (service.name + $0, service.line) }
      }
      for (name, line) in names {
        if let other = seen[name] {
          fault(file, line, package.name, "\(name) is made twice in Swift, also by \(other)")
        }
        seen[name] = file.name
        if Rules.takenTypes.contains(name) {
          fault(file, line, package.name, "\(name) cannot name a type in Swift")
        }
      }
    }
  }

  private mutating func checkNamespaces() {
    var seen: [String: String] = [:]
    for package in contract.packages {
      if let other = seen[package.namespace] {
        fault(
          package.files[0], 1, package.name,
          "\(other) and \(package.name) are both \(package.namespace) in Swift")
      }
      seen[package.namespace] = package.name
      if package.namespace.isEmpty {
        fault(package.files[0], 1, package.files[0].name, "a package is needed")
      }
    }
  }

  // MARK: Across messages

  /// A message that contains itself could nest without end, which protobuf-c follows on the stack.
  private mutating func checkNesting() {
    var depths: [String: Int] = [:]
    for file in contract.files {
      for message in file.messages { checkNesting(message, file, &depths) }
    }
  }

  private mutating func checkNesting(
    _ message: MessageDescriptor, _ file: FileDescriptor, _ depths: inout [String: Int]
  ) {
    var open: [String] = []
    if let cycle = cycle(from: message.fullName, &open, &depths) {
      fault(file, message.line, message.fullName, "contains itself: \(cycle)")
    } else if let depth = depths[message.fullName], depth > WireReader.depthMax {
      let limit = WireReader.depthMax
      fault(file, message.line, message.fullName, "nests \(depth) deep, over \(limit)")
    }
    for inner in message.messages { checkNesting(inner, file, &depths) }
  }

  private func cycle(
    from name: String, _ open: inout [String], _ depths: inout [String: Int]
  ) -> String? {
    if depths[name] != nil { return nil }
    if let start = open.firstIndex(of: name) {
      return (open[start...] + [name]).joined(separator: " → ")
    }
    open.append(name)
    defer { open.removeLast() }
    var depth = 1
    for field in contract.pool.message(named: name)?.fields ?? [] where field.kind == .message {
      if let found = cycle(from: field.typeName, &open, &depths) { return found }
      depth = max(depth, 1 + (depths[field.typeName] ?? 0))
    }
    depths[name] = depth
    return nil
  }

  /// The option store guards a method's own request; anywhere else it would look like a guard and
  /// be none.
  private mutating func checkStores() {
    let requests = Set(
      contract.files.flatMap(\.services).flatMap(\.methods).map(\.inputType))
    func visit(_ message: MessageDescriptor, _ report: (MessageDescriptor) -> Void) {
      if !requests.contains(message.fullName) && message.fields.contains(where: \.options.isStore) {
        report(message)
      }
      for inner in message.messages { visit(inner, report) }
    }
    for file in contract.files {
      var lost: [MessageDescriptor] = []
      for message in file.messages { visit(message) { lost.append($0) } }
      for message in lost {
        fault(
          file, message.line, message.fullName,
          "has the option store and is no method's request, so nothing would check it")
      }
    }
  }
}
