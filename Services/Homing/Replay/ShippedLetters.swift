extension ShippedFiles {
  /// The files of our letters, by their names.
  static let letters: [String: [UInt8]] = [
    "cart-letter.de.yaml": PackageResources.cart_letter_de_yaml,
    "cart-letter.en.yaml": PackageResources.cart_letter_en_yaml,
    "quote-letter.de.yaml": PackageResources.quote_letter_de_yaml,
    "quote-letter.en.yaml": PackageResources.quote_letter_en_yaml,
  ]
}
