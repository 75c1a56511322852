/// One `.proto` file as protoc understood it: google.protobuf.FileDescriptorProto as a value.
package struct FileDescriptor: Hashable, Sendable {
  /// As imports name it, such as `homing/echo/v1/echo.proto`.
  package var name = ""
  /// Such as `homing.echo.v1`; empty for none.
  package var packageName = ""
  /// Names of the imported files.
  package var imports: [String] = []
  package var messages: [MessageDescriptor] = []
  package var enums: [EnumDescriptor] = []
  package var services: [ServiceDescriptor] = []
  /// `extend` blocks of the file itself.
  package var extensions: [FieldDescriptor] = []
  /// `proto2` where the file says nothing.
  package var syntax = "proto2"
  /// The comment above `syntax`.
  package var comment = ""

  /// Largest description of one file, in bytes. Decoded it takes about a hundred times as much at
  /// worst.
  package static let sizeMax = 1 << 20

  /// Reads a serialised FileDescriptorProto; safe on any bytes. Names are taken as they stand,
  /// references are not resolved.
  package init(serialized bytes: [UInt8]) throws(DescriptorError) {
    guard bytes.count <= FileDescriptor.sizeMax else {
      throw DescriptorError(.tooLarge, "\(bytes.count) bytes, over \(FileDescriptor.sizeMax)")
    }
    let source = try SourceInfo(file: bytes)
    // Two passes: protoc writes the package first, but hostile bytes may order fields at will, and
    // full names need it.
    var reader = WireReader(bytes)
    while let tag = try reader.next() {
      switch tag.number {
      case 1 where tag.wireType == .lengthDelimited: name = try reader.text()
      case 2 where tag.wireType == .lengthDelimited: packageName = try reader.text()
      case 12 where tag.wireType == .lengthDelimited: syntax = try reader.text()
      default: try reader.skip(tag)
      }
    }
    comment = source.comment([12])
    reader = WireReader(bytes)
    while let tag = try reader.next() {
      guard (3...7).contains(tag.number) else {
        try reader.skip(tag)
        continue
      }
      try reader.expect(.lengthDelimited, tag)
      if tag.number == 3 {
        imports.append(try reader.text())
      } else {
        try addDeclaration(tag.number, try reader.nested(), source)
      }
    }
  }

  private mutating func addDeclaration(
    _ number: Int, _ reader: WireReader, _ source: SourceInfo
  ) throws(DescriptorError) {
    let isProto3 = syntax == "proto3"
    switch number {
    case 4:
      let scope = Scope(packageName, source, [4, messages.count], isProto3)
      messages.append(try MessageDescriptor(reader, scope))
    case 5:
      let scope = Scope(packageName, source, [5, enums.count], isProto3)
      enums.append(try EnumDescriptor(reader, scope))
    case 6:
      let scope = Scope(packageName, source, [6, services.count], isProto3)
      services.append(try ServiceDescriptor(reader, scope))
    default:
      let scope = Scope(packageName, source, [7, extensions.count], isProto3)
      extensions.append(try FieldDescriptor(reader, scope))
    }
  }
}

/// Where a declaration stands while its file is read.
struct Scope {
  /// Full name of what encloses it; may be empty.
  let name: String
  let source: SourceInfo
  /// Its address in SourceCodeInfo.
  let path: [Int]
  let isProto3: Bool

  init(_ name: String, _ source: SourceInfo, _ path: [Int], _ isProto3: Bool) {
    self.name = name
    self.source = source
    self.path = path
    self.isProto3 = isProto3
  }

  var comment: String { source.comment(path) }
  var line: Int { source.line(path) }

  func fullName(_ own: String) -> String { name.isEmpty ? own : name + "." + own }

  func inner(_ name: String, _ number: Int, _ index: Int) -> Scope {
    Scope(name, source, path + [number, index], isProto3)
  }
}
