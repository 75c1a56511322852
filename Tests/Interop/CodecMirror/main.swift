// Decodes messages and encodes them again, for `codec_check.py`.
//
// Usage: CodecMirror, records on standard input, answers on standard output. A record is a kind
// (`e`: Everything, `c`: CartEvent, `f`: Frame), a 4-byte big-endian length and the bytes. An
// answer has the same form: `=` and the message encoded again, or `!` and the error as `code path`.
internal import Glibc
internal import Messages

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

func mirror<M: Message>(_ type: M.Type, _ bytes: [UInt8]) {
  do throws(MessageError) {
    answer("=", try M(encoded: bytes).encoded())
  } catch {
    answer("!", Array("\(error.code) \(error.path)".utf8))
  }
}

while let header = read(5) {
  let size = header.dropFirst().reduce(0) { $0 << 8 | Int($1) }
  guard let bytes = read(size) else { exit(1) }
  switch header[0] {
  case UInt8(ascii: "e"): mirror(EchoV1.Everything.self, bytes)
  case UInt8(ascii: "c"): mirror(EchoV1.CartEvent.self, bytes)
  case UInt8(ascii: "f"): mirror(RpcV1.Frame.self, bytes)
  default: exit(2)
  }
}
