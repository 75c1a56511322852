internal import CGMime

/// What GMime does for us: transfer encodings and internationalised domains. The one file that sees
/// its pointers.
///
/// Its functions used here share nothing between calls, so they may run on many threads at once;
/// the library is set up once, before the first of them. Its message objects are not used: they
/// cost twice what the encoding costs, and write a long `List-Unsubscribe` as encoded words, which
/// no reader of RFC 8058 takes.
enum MimeCodec {
  private static let isReady: Bool = {
    g_mime_init()
    // Each registers its type at its first use, without a lock of its own: so before that.
    _ = g_mime_param_get_type()
    _ = g_mime_param_list_get_type()
    _ = g_mime_content_type_get_type()
    _ = internet_address_mailbox_get_type()
    return true
  }()

  /// Quoted-printable (RFC 2045 §6.7) of a text whose lines end with a line feed. Those that come
  /// out have at most 76 characters and end with a line feed, too.
  static func quotedPrintable(_ text: [UInt8]) -> [UInt8] {
    encode(text, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE)
  }

  /// Base64 in lines of at most 76 characters, which end with a line feed.
  static func base64(_ bytes: [UInt8]) -> [UInt8] { encode(bytes, GMIME_CONTENT_ENCODING_BASE64) }

  private static func encode(_ bytes: [UInt8], _ encoding: GMimeContentEncoding) -> [UInt8] {
    precondition(isReady)
    var state = GMimeEncoding()
    g_mime_encoding_init_encode(&state, encoding)
    let sizeMax = g_mime_encoding_outlen(&state, bytes.count)
    return [UInt8](unsafeUninitializedCapacity: sizeMax) { output, size in
      bytes.withUnsafeBytes { input in
        size = g_mime_encoding_flush(
          &state, input.baseAddress?.assumingMemoryBound(to: CChar.self), input.count,
          UnsafeMutableRawPointer(output.baseAddress)?.assumingMemoryBound(to: CChar.self))
      }
    }
  }

  /// What a transfer encoding hides; at most as long as what comes in. Anything is taken: what is
  /// no digit is left out.
  static func decoded(_ bytes: ArraySlice<UInt8>, base64: Bool) -> [UInt8] {
    precondition(isReady)
    var state = GMimeEncoding()
    g_mime_encoding_init_decode(
      &state, base64 ? GMIME_CONTENT_ENCODING_BASE64 : GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE)
    let sizeMax = g_mime_encoding_outlen(&state, bytes.count)
    return [UInt8](unsafeUninitializedCapacity: sizeMax) { output, size in
      bytes.withUnsafeBytes { input in
        size = g_mime_encoding_flush(
          &state, input.baseAddress?.assumingMemoryBound(to: CChar.self), input.count,
          UnsafeMutableRawPointer(output.baseAddress)?.assumingMemoryBound(to: CChar.self))
      }
    }
  }

  /// A `Content-Type` field (RFC 2045 §5, RFC 2231) in small letters, with the parameters asked
  /// for as they are; nil where it is none.
  static func contentType(
    _ field: String, parameters names: [String]
  ) -> (type: String, parameters: [String: String])? {
    precondition(isReady)
    guard !field.utf8.contains(0), let parsed = g_mime_content_type_parse(nil, field) else {
      return nil
    }
    defer { g_object_unref(parsed) }
    guard let type = g_mime_content_type_get_media_type(parsed),
      let subtype = g_mime_content_type_get_media_subtype(parsed)
    else { return nil }
    var parameters: [String: String] = [:]
    for name in names {
      guard let value = g_mime_content_type_get_parameter(parsed, name) else { continue }
      parameters[name] = String(cString: value)
    }
    return (
      "\(String(cString: type))/\(String(cString: subtype))".lowercased(), parameters
    )
  }

  /// An address whose domain is in ASCII (RFC 5891), nil where it has no such form.
  static func asciiAddress(_ address: String) -> String? {
    precondition(isReady)
    guard let mailbox = internet_address_mailbox_new(nil, address) else { return nil }
    defer { g_object_unref(mailbox) }
    let ascii = UnsafeMutableRawPointer(mailbox).withMemoryRebound(
      to: InternetAddressMailbox.self, capacity: 1
    ) { internet_address_mailbox_get_idn_addr($0) }
    guard let ascii else { return nil }
    let text = String(cString: ascii)
    return text.utf8.allSatisfy { $0 < 0x80 } ? text : nil
  }
}
