internal import ServiceKit
internal import TestSupport
internal import Testing

@testable internal import Scheduler

@Suite struct CodeTextTests {
  private static func code(_ number: UInt64, attempt: UInt8 = 0) -> String {
    CodeText.generated(
      Array(repeating: 7, count: 16), Identifier(high: number, low: 1), attempt: attempt)
  }

  @Test("M11 A generated code is three groups of four characters that nobody confuses")
  func form() {
    for number in 0..<500 as Range<UInt64> {
      let code = Self.code(number)
      #expect(code.split(separator: "-").map(\.count) == [4, 4, 4])
      #expect(!code.contains { "0O1ILZSGBUVQD".contains($0) })
      #expect(CodeText.isWhole(code.lowercased()))
    }
    #expect(Set((0..<5000 as Range<UInt64>).map { Self.code($0) }).count == 5000)
    #expect(Self.code(1) != Self.code(1, attempt: 1))
    #expect(Set(CodeText.alphabet).count == 23)
  }

  @Test("M11 Another secret gives other codes")
  func secret() {
    let id = Identifier(high: 1, low: 1)
    let one = CodeText.generated(Array(repeating: 1, count: 16), id, attempt: 0)
    let other = CodeText.generated(Array(repeating: 2, count: 16), id, attempt: 0)
    #expect(one != other)
  }

  @Test("M11 The check character tells each wrong character and each two that changed places")
  func check() {
    for number in 0..<20 as Range<UInt64> {
      let code = Array(CodeText.normal(Self.code(number)) ?? "")
      for index in code.indices {
        for byte in CodeText.alphabet {
          var wrong = code
          wrong[index] = Character(UnicodeScalar(byte))
          #expect(CodeText.isWhole(String(wrong)) == (wrong == code))
        }
        for other in code.indices where other > index {
          var swapped = code
          swapped.swapAt(index, other)
          #expect(CodeText.isWhole(String(swapped)) == (swapped == code))
        }
      }
    }
  }

  @Test("M11 Codes are compared without case, hyphens and spaces")
  func normal() {
    #expect(CodeText.normal(" save-10_x ") == "SAVE10X")
    #expect(CodeText.normal("") == nil && CodeText.normal("--") == nil)
    #expect(CodeText.normal("ß") == nil && CodeText.normal("a\u{0}b") == nil)
    #expect(CodeText.normal(String(repeating: "a", count: 65)) == nil)
  }
}
