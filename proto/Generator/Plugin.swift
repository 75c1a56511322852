internal import Descriptors

/// google.protobuf.compiler.CodeGeneratorRequest as far as it is needed here.
struct PluginRequest {
  struct File {
    let serialized: [UInt8]
    let descriptor: FileDescriptor
  }

  /// Names of the files on protoc's command line.
  private(set) var filesToGenerate: [String] = []
  /// These and every file they import, imports first.
  private(set) var files: [File] = []
  /// The message `Version` of protoc as it came.
  private(set) var compilerVersion: [UInt8] = []

  init(serialized: [UInt8]) throws(Refusal) {
    do throws(DescriptorError) {
      var reader = WireReader(serialized)
      while let tag = try reader.next() {
        switch (tag.number, tag.wireType) {
        case (1, .lengthDelimited): filesToGenerate.append(try reader.text())
        case (3, .lengthDelimited): compilerVersion = Array(try reader.bytes())
        case (15, .lengthDelimited):
          let bytes = Array(try reader.bytes())
          files.append(
            File(serialized: bytes, descriptor: try FileDescriptor(serialized: bytes)))
        default: try reader.skip(tag)
        }
      }
    } catch {
      throw Refusal("the request is not what protoc sends: \(error)")
    }
  }
}

/// A generated file, named from the top of the working tree.
struct OutputFile: Equatable {
  var name: String
  var content: String
}

/// google.protobuf.compiler.CodeGeneratorResponse.
struct PluginResponse {
  /// Printed by protoc, which then fails. Empty for success.
  var error = ""
  var files: [OutputFile] = []

  init() {}

  /// Reads the answer of another plugin.
  init(serialized: [UInt8]) throws(DescriptorError) {
    var reader = WireReader(serialized)
    while let tag = try reader.next() {
      switch (tag.number, tag.wireType) {
      case (1, .lengthDelimited): error = try reader.text()
      case (15, .lengthDelimited):
        var file = try reader.nested()
        var output = OutputFile(name: "", content: "")
        while let tag = try file.next() {
          switch (tag.number, tag.wireType) {
          case (1, .lengthDelimited): output.name = try file.text()
          case (15, .lengthDelimited): output.content = try file.text()
          default: try file.skip(tag)
          }
        }
        files.append(output)
      default: try reader.skip(tag)
      }
    }
  }

  /// Claims proto3 `optional` (supported_features 1).
  var serialized: [UInt8] {
    var writer = WireWriter()
    if !error.isEmpty { writer.text(1, error) }
    writer.varint(2, 1)
    for file in files {
      var inner = WireWriter()
      inner.text(1, file.name)
      inner.text(15, file.content)
      writer.bytes(15, inner.bytes)
    }
    return writer.bytes
  }
}
