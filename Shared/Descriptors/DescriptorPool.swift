/// Declarations of several files by their full names.
package struct DescriptorPool: Sendable {
  /// In the order they were given.
  package let files: [FileDescriptor]
  private var messages: [String: MessageDescriptor] = [:]
  private var enums: [String: EnumDescriptor] = [:]
  private var services: [String: ServiceDescriptor] = [:]
  private var methods: [String: MethodDescriptor] = [:]
  /// Index of the declaring file.
  private var declaredIn: [String: Int] = [:]

  /// - Throws: `duplicate` where two files, or a file twice, declare one name.
  package init(files: [FileDescriptor]) throws(DescriptorError) {
    self.files = files
    for (index, file) in files.enumerated() {
      for message in file.messages { try add(message, index) }
      for entry in file.enums { try add(entry, index) }
      for service in file.services {
        try claim(service.fullName, index)
        services[service.fullName] = service
        for method in service.methods {
          try claim(method.fullName, index)
          methods[method.fullName] = method
        }
      }
    }
  }

  package func message(named fullName: String) -> MessageDescriptor? { messages[fullName] }

  package func enumeration(named fullName: String) -> EnumDescriptor? { enums[fullName] }

  package func service(named fullName: String) -> ServiceDescriptor? { services[fullName] }

  /// - Parameter name: `package.Service/Method` or `package.Service.Method`.
  package func method(named name: String) -> MethodDescriptor? {
    methods[DescriptorPool.dotted(name)]
  }

  /// The file that declares a message, enum, service or method.
  package func file(declaring symbol: String) -> FileDescriptor? {
    declaredIn[DescriptorPool.dotted(symbol)].map { files[$0] }
  }

  private mutating func add(_ message: MessageDescriptor, _ file: Int) throws(DescriptorError) {
    try claim(message.fullName, file)
    messages[message.fullName] = message
    for inner in message.messages { try add(inner, file) }
    for inner in message.enums { try add(inner, file) }
  }

  private mutating func add(_ entry: EnumDescriptor, _ file: Int) throws(DescriptorError) {
    try claim(entry.fullName, file)
    enums[entry.fullName] = entry
  }

  private mutating func claim(_ name: String, _ file: Int) throws(DescriptorError) {
    guard declaredIn.updateValue(file, forKey: name) == nil else {
      throw DescriptorError(.duplicate, "\(name) is declared twice")
    }
  }

  private static func dotted(_ name: String) -> String {
    String(name.map { $0 == "/" ? "." : $0 })
  }
}
