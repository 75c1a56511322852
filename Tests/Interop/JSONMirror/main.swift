// Turns JSON into protobuf and back as the command line does, for `json_check.py`.
//
// Usage: JSONMirror DESCRIPTOR-SET MESSAGE, records on standard input, answers on standard output.
// A record is a kind (`j`: JSON, `b`: protobuf), a 4-byte big-endian length and the bytes. The
// answer has the same form: the other encoding under the other letter, or `!` and why there is
// none.
internal import DynamicMessages
internal import Glibc

/// Exactly so many bytes, or nil at the end of the input.
func read(_ count: Int) -> [UInt8]? {
  var bytes: [UInt8] = []
  while bytes.count < count {
    var chunk = [UInt8](repeating: 0, count: count - bytes.count)
    let size = Glibc.read(STDIN_FILENO, &chunk, chunk.count)
    if size <= 0 { return nil }
    bytes += chunk.prefix(size)
  }
  return bytes
}

func answer(_ kind: Unicode.Scalar, _ bytes: [UInt8]) {
  var record = [UInt8(ascii: kind)]
  for shift in [24, 16, 8, 0] { record.append(UInt8(truncatingIfNeeded: bytes.count >> shift)) }
  record += bytes
  var rest = record[...]
  while !rest.isEmpty {
    let size = rest.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
    guard size > 0 else { exit(1) }
    rest = rest.dropFirst(size)
  }
}

func readFile(_ path: String) -> [UInt8]? {
  guard let file = fopen(path, "rb") else { return nil }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 1 << 16)
  while case let count = fread(&chunk, 1, chunk.count, file), count > 0 {
    bytes += chunk.prefix(count)
  }
  return bytes
}

func mirror() throws {
  guard CommandLine.arguments.count == 3, let set = readFile(CommandLine.arguments[1]) else {
    throw DynamicError("usage: JSONMirror DESCRIPTOR-SET MESSAGE")
  }
  let schema = try Schema(fileDescriptorSet: set)
  let type = try schema.message(named: CommandLine.arguments[2])
  while let header = read(5) {
    let count = header[1...].reduce(0) { $0 << 8 | Int($1) }
    guard let bytes = read(count) else { return }
    do {
      if header[0] == UInt8(ascii: "j") {
        let message = try DynamicMessage(json: JSONReader.value(bytes), type, schema)
        answer("b", message.encoded())
      } else {
        let message = try DynamicMessage(encoded: bytes, type, schema)
        answer("j", Array(JSONWriter.text(try message.json()).utf8))
      }
    } catch {
      answer("!", Array("\(error)".utf8))
    }
  }
}

do {
  try mirror()
} catch {
  let message = Array("JSONMirror: \(error)\n".utf8)
  _ = write(STDERR_FILENO, message, message.count)
  exit(1)
}
