internal import Descriptors
internal import Glibc

/// A protoc plugin: a CodeGeneratorRequest on standard input, a CodeGeneratorResponse on standard
/// output.
///
/// `proto/generate` runs it. Files are named from the top of the working tree.
@main enum Main {
  static func main() {
    var response = PluginResponse()
    do throws(Refusal) {
      let request = try PluginRequest(serialized: readStandardInput())
      response.files = try generate(request) { (edited) throws(Refusal) in
        try runPlugin("protoc-gen-c", edited)
      }
    } catch {
      response.error = error.description
    }
    guard writeAll(response.serialized, to: STDOUT_FILENO) else { exit(1) }
  }

  private static func readStandardInput() throws(Refusal) -> [UInt8] {
    guard let bytes = readAll(from: STDIN_FILENO) else { throw Refusal("cannot read the request") }
    return bytes
  }
}

/// Why nothing is generated: one line for each fault, with file and line where they are known.
struct Refusal: Error, CustomStringConvertible {
  var description: String

  init(_ text: String) { description = text }
}

/// Every file of the working tree that follows from the request, in order of the names.
///
/// - Parameter cPlugin: turns an edited request into protoc-gen-c's response.
func generate(
  _ request: PluginRequest, cPlugin: ([UInt8]) throws(Refusal) -> [UInt8]
) throws(Refusal) -> [OutputFile] {
  let contract = try Contract(request)
  let faults = Rules(contract).faults()
  guard faults.isEmpty else { throw Refusal(faults.joined(separator: "\n")) }
  var files = try cFiles(request, contract, cPlugin)
  files += descriptorTable(request, contract)
  files.append(messageTypes(contract))
  for package in contract.packages {
    files += messageFiles(package, contract)
    files += stubFiles(package, contract)
  }
  return files.sorted { $0.name < $1.name }
}
