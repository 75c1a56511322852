internal import CMessages

/// The serialised google.protobuf.FileDescriptorProto of every proto file, comments included: what
/// reflection answers with.
package enum FileDescriptors {
  /// As imports name them, such as `homing/echo/v1/echo.proto`; each stands behind the files it
  /// imports.
  package static var names: [String] { rows.map { String(cString: $0.name) } }

  /// The description of one file; nil for a name that is not in `names`.
  package static func file(named name: String) -> [UInt8]? {
    names.firstIndex(of: name).map(bytes)
  }

  /// The names of the files that a file imports, in the order of its import statements; nil for a
  /// name that is not in `names`.
  package static func imports(of name: String) -> [String]? {
    let names = names
    return names.firstIndex(of: name).map { index in
      let row = rows[index]
      let imports = UnsafeBufferPointer(start: row.imports, count: row.imports_count)
      return imports.map { names[Int($0)] }
    }
  }

  private static func bytes(_ index: Int) -> [UInt8] {
    [UInt8](UnsafeBufferPointer(start: rows[index].bytes, count: rows[index].size))
  }

  /// The C table: constant, so that reading it needs no lock.
  private static var rows: UnsafeBufferPointer<HomingFileDescriptor> {
    UnsafeBufferPointer(
      start: homing_file_descriptors(), count: homing_file_descriptors_count())
  }
}
