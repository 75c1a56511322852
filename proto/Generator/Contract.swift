internal import Descriptors

/// Every declaration of a request, by its full name, with where it goes in Swift.
struct Contract {
  /// Files that declare options only and give no code.
  static let optionFiles: Set = [
    "google/protobuf/descriptor.proto", "homing/options/v1/options.proto",
  ]

  /// One proto package, which is one namespace in Swift.
  struct Package {
    let name: String
    /// Such as `EchoV1`.
    let namespace: String
    var files: [FileDescriptor] = []
    /// Names of all types in it, nested ones and those made for oneofs included.
    var typeNames: Set<String> = []
    /// Those that are nested, and so hide one of the same name at the top.
    var nestedNames: Set<String> = []
  }

  struct TypePlace {
    let packageName: String
    /// From the namespace downwards, such as `["Everything", "Inner"]`.
    let path: [String]
  }

  let files: [FileDescriptor]
  let pool: DescriptorPool
  /// In order of their names.
  private(set) var packages: [Package]
  private var places: [String: TypePlace] = [:]

  init(_ request: PluginRequest) throws(Refusal) {
    let wanted = Set(request.filesToGenerate).subtracting(Contract.optionFiles)
    let all = request.files.map(\.descriptor)
    files = all.filter { wanted.contains($0.name) }
    do throws(DescriptorError) {
      pool = try DescriptorPool(files: all)
    } catch {
      throw Refusal("\(error)")
    }
    var packages: [String: Package] = [:]
    for file in files {
      let name = file.packageName
      var package =
        packages[name] ?? Package(name: name, namespace: Names.namespace(name))
      package.files.append(file)
      packages[name] = package
    }
    self.packages = packages.values.sorted { $0.name < $1.name }
    for index in self.packages.indices {
      for file in self.packages[index].files {
        for message in file.messages { add(message, [], index) }
        for entry in file.enums { place(entry.fullName, [entry.name], index) }
      }
    }
  }

  private mutating func add(_ message: MessageDescriptor, _ outer: [String], _ package: Int) {
    let path = outer + [message.name]
    place(message.fullName, path, package)
    for oneof in message.oneofs {
      packages[package].typeNames.insert(Names.upperCamel(oneof.name))
      packages[package].nestedNames.insert(Names.upperCamel(oneof.name))
    }
    for inner in message.messages { add(inner, path, package) }
    for inner in message.enums { place(inner.fullName, path + [inner.name], package) }
  }

  private mutating func place(_ fullName: String, _ path: [String], _ package: Int) {
    places[fullName] = TypePlace(packageName: packages[package].name, path: path)
    packages[package].typeNames.insert(path[path.count - 1])
    if path.count > 1 { packages[package].nestedNames.insert(path[path.count - 1]) }
  }

  func hasMessages(_ file: String) -> Bool {
    files.contains { $0.name == file && !($0.messages.isEmpty && $0.enums.isEmpty) }
  }

  /// Whether it, or a message inside it, has a field that `WireScan` looks at: one that holds a
  /// single message, or bools. Only for contracts in which no message contains itself.
  func isScanned(_ message: MessageDescriptor) -> Bool {
    message.fields.contains { field in
      switch field.kind {
      case .bool: true
      case .message:
        !field.isRepeated || pool.message(named: field.typeName).map(isScanned) ?? false
      default: false
      }
    }
  }

  /// Whether code is made for the type, so that others may use it.
  func isGenerated(_ fullName: String) -> Bool { places[fullName] != nil }

  /// With its namespace: `EchoV1.Everything.Inner`.
  func absolute(_ fullName: String) -> String {
    guard let place = places[fullName] else { return fullName }
    return ([Names.namespace(place.packageName)] + place.path).joined(separator: ".")
  }

  /// As short as code inside the package may write it.
  func relative(_ fullName: String, in package: Package) -> String {
    guard let place = places[fullName], place.packageName == package.name else {
      return absolute(fullName)
    }
    return package.nestedNames.contains(place.path[0])
      ? absolute(fullName) : place.path.joined(separator: ".")
  }
}

extension Contract.Package {
  /// A type from elsewhere, with its module where a declaration of the package hides it.
  func outside(_ name: String, from module: String) -> String {
    typeNames.contains(name) ? module + "." + name : name
  }
}
