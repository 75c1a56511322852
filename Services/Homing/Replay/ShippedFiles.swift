/// What comes with the program: flows, and the templates and letters that they name.
enum ShippedFiles {
  /// What a replay runs where nothing is said.
  static let referenceFlow = "cart-recovery"

  /// By their names.
  static let flows: [String: [UInt8]] = [
    "cart-recovery": PackageResources.cart_recovery_yaml,
    "cart-recovery-b2b": PackageResources.cart_recovery_b2b_yaml,
    "discount-or-shipping": PackageResources.discount_or_shipping_yaml,
    "quote-recovery": PackageResources.quote_recovery_yaml,
  ]

  /// The contract's limit of a flow's text.
  private static let flowBytesMax = 262_144

  /// - Parameter named: a file, or the name of a flow of ours; nil: the reference flow.
  /// - Throws: `CommandError` for a file that cannot be read.
  static func flow(
    _ named: String?, testAddresses: [String]
  ) throws(CommandError) -> ReplayFlow {
    let origin = named ?? referenceFlow
    let bytes: [UInt8]
    if let ours = flows[origin] {
      bytes = ours
    } else {
      bytes = try InputFile.bytes(origin, bytesMax: flowBytesMax)
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .file("\(Printable.text(origin)) is not UTF-8 text")
    }
    return ReplayFlow(
      origin: origin, text: text, templates: try TemplateFiles.parse(templates),
      letters: try LetterFiles.parse(letters), testAddresses: testAddresses)
  }
}
