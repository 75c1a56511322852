internal import Glibc

/// A new folder under the system's temporary one; the caller removes it.
enum TemporaryFolder {
  struct NotMade: Error {
    let number: Int32
  }

  static func make() throws -> String {
    var template = Array("/tmp/homing-tests-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw NotMade(number: errno) }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
