internal import CCairo
internal import CTurboJPEG

/// A text in its fonts and lines, ready to be drawn as often as wanted.
///
/// Belongs to the thread of the setter that made it.
final class SetText {
  fileprivate let layout: OpaquePointer
  let width: Double
  let height: Double
  let lineCount: Int
  /// From the top to the first line's base line.
  let baseline: Double

  fileprivate init(_ layout: OpaquePointer) {
    self.layout = layout
    var (width, height): (Int32, Int32) = (0, 0)
    pango_layout_get_size(layout, &width, &height)
    self.width = Double(width) / Double(PANGO_SCALE)
    self.height = Double(height) / Double(PANGO_SCALE)
    lineCount = Int(pango_layout_get_line_count(layout))
    baseline = Double(pango_layout_get_baseline(layout)) / Double(PANGO_SCALE)
  }

  deinit { g_object_unref(UnsafeMutableRawPointer(layout)) }
}

/// A text whose characters no installed font has: printed, it would show boxes.
struct MissingGlyph: Error, Hashable, Sendable {
  /// Nil where each character has one, but not together.
  let character: Unicode.Scalar?
}

/// Sets texts. Texts that come again, such as labels, are set once.
///
/// Belongs to one thread: Pango's objects are not to be used by two at once.
final class TextSetter {
  /// Texts kept; the older half goes when there are twice as many.
  private static let keptMax = 1024
  private static let languagesMax = 64

  private struct Key: Hashable {
    let text: String
    let style: TextStyle
    let width: Double?
    let language: String
  }

  private let fonts: UnsafeMutablePointer<PangoFontMap>
  /// One for each language: a change of a context would set all its texts again.
  private var contexts: [String: OpaquePointer] = [:]
  private var descriptions: [TextStyle: OpaquePointer] = [:]
  private var young: [Key: SetText] = [:]
  private var old: [Key: SetText] = [:]

  init() throws(PageError) {
    guard let fonts = pango_cairo_font_map_new() else { throw PageError("no fonts can be found") }
    self.fonts = fonts
    pango_cairo_font_map_set_resolution(OpaquePointer(fonts), 72)
  }

  deinit {
    young = [:]
    old = [:]
    for description in descriptions.values { pango_font_description_free(description) }
    for context in contexts.values { g_object_unref(UnsafeMutableRawPointer(context)) }
    g_object_unref(fonts)
  }

  /// Sets a text in lines no longer than `width`; nil leaves each paragraph one line.
  ///
  /// - Parameter language: BCP 47; decides between forms of the same character (Han).
  /// - Throws: for a character that no font has.
  func set(
    _ text: String, _ style: TextStyle, width: Double? = nil, language: String
  ) throws(MissingGlyph) -> SetText {
    let key = Key(text: text, style: style, width: width, language: language)
    if let known = young[key] { return known }
    if let known = old[key] {
      keep(known, key)
      return known
    }
    let layout = layout(text, style, width: width, language: language)
    let made = SetText(layout)
    if pango_layout_get_unknown_glyphs_count(layout) > 0 {
      throw MissingGlyph(character: missing(text, style, language))
    }
    keep(made, key)
    return made
  }

  private func keep(_ text: SetText, _ key: Key) {
    young[key] = text
    if young.count >= TextSetter.keptMax {
      old = young
      young = [:]
    }
  }

  private func layout(
    _ text: String, _ style: TextStyle, width: Double?, language: String
  ) -> OpaquePointer {
    guard let layout = pango_layout_new(context(language)) else {
      preconditionFailure("GLib ends the process itself where there is no memory")
    }
    pango_layout_set_font_description(layout, description(style))
    if let width { pango_layout_set_width(layout, Int32(width * Double(PANGO_SCALE))) }
    pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR)
    pango_layout_set_line_spacing(layout, Float(style.leading))
    switch style.alignment {
    case .start: break
    case .left: pango_layout_set_auto_dir(layout, 0)
    case .right:
      pango_layout_set_auto_dir(layout, 0)
      pango_layout_set_alignment(layout, PANGO_ALIGN_RIGHT)
    case .centre: pango_layout_set_alignment(layout, PANGO_ALIGN_CENTER)
    }
    var text = text
    text.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) {
        pango_layout_set_text(layout, $0.baseAddress, Int32($0.count))
      }
    }
    return layout
  }

  private func missing(
    _ text: String, _ style: TextStyle, _ language: String
  ) -> Unicode.Scalar? {
    var seen: Set<Unicode.Scalar> = []
    for scalar in text.unicodeScalars where seen.insert(scalar).inserted {
      let layout = layout(String(scalar), style, width: nil, language: language)
      let count = pango_layout_get_unknown_glyphs_count(layout)
      g_object_unref(UnsafeMutableRawPointer(layout))
      if count > 0 { return scalar }
    }
    return nil
  }

  private func context(_ language: String) -> OpaquePointer {
    if let known = contexts[language] { return known }
    guard let context = pango_font_map_create_context(fonts),
      let options = cairo_font_options_create()
    else { preconditionFailure("GLib and cairo end the process themselves without memory") }
    // Widths do not depend on a screen's pixels.
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE)
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF)
    pango_cairo_context_set_font_options(context, options)
    cairo_font_options_destroy(options)
    pango_context_set_round_glyph_positions(context, 0)
    pango_context_set_language(context, pango_language_from_string(language))
    pango_context_set_base_dir(context, PANGO_DIRECTION_WEAK_LTR)
    guard contexts.count < TextSetter.languagesMax else {
      // Languages come from letters; texts already set keep their context alive.
      contexts.values.forEach { g_object_unref(UnsafeMutableRawPointer($0)) }
      contexts = [language: context]
      return context
    }
    contexts[language] = context
    return context
  }

  private func description(_ style: TextStyle) -> OpaquePointer {
    var look = style
    (look.alignment, look.leading) = (.start, 1)
    if let known = descriptions[look] { return known }
    guard let description = pango_font_description_new() else {
      preconditionFailure("GLib ends the process itself where there is no memory")
    }
    let families =
      switch style.face {
      case .sans: "Noto Sans, DejaVu Sans"
      case .serif: "Noto Serif, Noto Sans, DejaVu Serif"
      }
    pango_font_description_set_family(description, families)
    pango_font_description_set_size(description, Int32(style.size * Double(PANGO_SCALE)))
    pango_font_description_set_weight(
      description, style.isBold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL)
    descriptions[look] = description
    return description
  }
}

/// A photograph or drawing, embedded once in a document however often it is drawn.
///
/// Belongs to one thread.
final class Picture {
  fileprivate let surface: OpaquePointer
  /// In pixels.
  let width: Int
  let height: Int

  /// Of a JPEG or PNG file's bytes.
  ///
  /// - Parameter name: unique in a document.
  init(_ file: PictureFile, name: String) throws(PageError) {
    let surface: OpaquePointer? =
      switch file.kind {
      case .jpeg: Picture.jpeg(file)
      case .png: Picture.png(file.bytes)
      }
    guard let surface else { throw PageError("a picture cannot be held") }
    self.surface = surface
    guard cairo_surface_status(surface) == CAIRO_STATUS_SUCCESS,
      Picture.attach(Array(name.utf8), "application/x-cairo.uuid", to: surface)
    else {
      cairo_surface_destroy(surface)
      throw PageError("a picture is no \(file.kind)")
    }
    width = Int(cairo_image_surface_get_width(surface))
    height = Int(cairo_image_surface_get_height(surface))
  }

  deinit { cairo_surface_destroy(surface) }

  /// A document takes the file's own bytes, a screen its pixels. A file without good pixels is
  /// none: it would be printed black.
  private static func jpeg(_ file: PictureFile) -> OpaquePointer? {
    let surface = cairo_image_surface_create(
      CAIRO_FORMAT_RGB24, Int32(file.width), Int32(file.height))
    guard let surface else { return nil }
    if decode(file, surface), attach(file.bytes, "image/jpeg", to: surface) { return surface }
    cairo_surface_destroy(surface)
    return nil
  }

  private static func decode(_ file: PictureFile, _ surface: OpaquePointer) -> Bool {
    guard let pixels = cairo_image_surface_get_data(surface), let decoder = tjInitDecompress()
    else { return false }
    defer { tjDestroy(decoder) }
    cairo_surface_flush(surface)
    let status = tjDecompress2(
      decoder, file.bytes, UInt(file.bytes.count), pixels, Int32(file.width),
      cairo_image_surface_get_stride(surface), Int32(file.height), Int32(TJPF_BGRX.rawValue), 0)
    cairo_surface_mark_dirty(surface)
    return status == 0
  }

  private static func png(_ bytes: [UInt8]) -> OpaquePointer? {
    let reader = ByteReader(bytes)
    return withExtendedLifetime(reader) {
      cairo_image_surface_create_from_png_stream(
        { closure, output, count in
          guard let closure, let output else { return CAIRO_STATUS_READ_ERROR }
          let reader = Unmanaged<ByteReader>.fromOpaque(closure).takeUnretainedValue()
          guard let part = reader.next(Int(count)) else { return CAIRO_STATUS_READ_ERROR }
          output.update(from: Array(part), count: Int(count))
          return CAIRO_STATUS_SUCCESS
        }, Unmanaged.passUnretained(reader).toOpaque())
    }
  }

  /// Cairo frees the copy when it is done with the surface.
  private static func attach(
    _ bytes: [UInt8], _ kind: String, to surface: OpaquePointer
  ) -> Bool {
    let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, bytes.count))
    copy.update(from: bytes, count: bytes.count)
    let status = cairo_surface_set_mime_data(
      surface, kind, copy, UInt(bytes.count),
      { $0?.assumingMemoryBound(to: UInt8.self).deallocate() }, copy)
    if status != CAIRO_STATUS_SUCCESS { copy.deallocate() }
    return status == CAIRO_STATUS_SUCCESS
  }
}

/// Bytes that are read from the first to the last.
private final class ByteReader {
  private let bytes: [UInt8]
  private var at = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  func next(_ count: Int) -> ArraySlice<UInt8>? {
    guard count >= 0, bytes.count - at >= count else { return nil }
    at += count
    return bytes[(at - count)..<at]
  }
}

/// Bytes that a surface writes.
private final class ByteSink {
  var bytes: [UInt8] = []

  static let write: cairo_write_func_t = { closure, data, count in
    guard let closure, let data else { return CAIRO_STATUS_WRITE_ERROR }
    let sink = Unmanaged<ByteSink>.fromOpaque(closure).takeUnretainedValue()
    sink.bytes += UnsafeBufferPointer(start: data, count: Int(count))
    return CAIRO_STATUS_SUCCESS
  }

  var pointer: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }
}

/// What pages are drawn on: a PDF document, or the picture of one page.
///
/// Belongs to one thread.
final class Canvas {
  private let surface: OpaquePointer
  private let cairo: OpaquePointer
  private let sink: ByteSink

  private init(_ surface: OpaquePointer?, _ sink: ByteSink) throws(PageError) {
    guard let surface else { throw PageError("no surface") }
    guard cairo_surface_status(surface) == CAIRO_STATUS_SUCCESS, let cairo = cairo_create(surface)
    else {
      let problem = Canvas.text(cairo_surface_status(surface))
      cairo_surface_destroy(surface)
      throw PageError("no page can be begun: \(problem)")
    }
    self.surface = surface
    self.cairo = cairo
    self.sink = sink
  }

  deinit {
    cairo_destroy(cairo)
    cairo_surface_destroy(surface)
  }

  /// - Parameters:
  ///   - path: of a file that is written while pages are drawn; nil keeps the document in memory.
  ///   - date: RFC 3339, in UTC: the document's own, so that the same letters give the same bytes.
  static func document(
    _ path: String?, _ geometry: PageGeometry, title: String, date: String
  ) throws(PageError) -> Canvas {
    let sink = ByteSink()
    let (width, height) = (geometry.width, geometry.height)
    let surface =
      if let path {
        cairo_pdf_surface_create(path, width, height)
      } else {
        cairo_pdf_surface_create_for_stream(ByteSink.write, sink.pointer, width, height)
      }
    let canvas = try Canvas(surface, sink)
    cairo_pdf_surface_restrict_to_version(canvas.surface, CAIRO_PDF_VERSION_1_5)
    cairo_pdf_surface_set_metadata(canvas.surface, CAIRO_PDF_METADATA_CREATE_DATE, date)
    cairo_pdf_surface_set_metadata(canvas.surface, CAIRO_PDF_METADATA_TITLE, title)
    return canvas
  }

  /// A picture of one page, white where nothing is drawn.
  static func picture(
    _ geometry: PageGeometry, dotsPerInch: Double
  ) throws(PageError) -> Canvas {
    let scale = dotsPerInch / 72
    let surface = cairo_image_surface_create(
      CAIRO_FORMAT_RGB24, Int32((geometry.width * scale).rounded()),
      Int32((geometry.height * scale).rounded()))
    let canvas = try Canvas(surface, ByteSink())
    cairo_scale(canvas.cairo, scale, scale)
    canvas.setColour(.white)
    cairo_paint(canvas.cairo)
    return canvas
  }

  func draw(_ marks: [Mark]) {
    for mark in marks { draw(mark) }
  }

  func endPage() { cairo_show_page(cairo) }

  /// - Returns: the document, where it was kept in memory.
  /// - Throws: where anything that was drawn or written failed.
  func finish() throws(PageError) -> [UInt8] {
    try check(cairo_status(cairo))
    cairo_surface_finish(surface)
    try check(cairo_surface_status(surface))
    return sink.bytes
  }

  /// The picture as PNG.
  func png() throws(PageError) -> [UInt8] {
    try check(cairo_status(cairo))
    cairo_surface_flush(surface)
    try check(cairo_surface_write_to_png_stream(surface, ByteSink.write, sink.pointer))
    return sink.bytes
  }

  private func check(_ status: cairo_status_t) throws(PageError) {
    if status != CAIRO_STATUS_SUCCESS { throw PageError(Canvas.text(status)) }
  }

  private static func text(_ status: cairo_status_t) -> String {
    cairo_status_to_string(status).map { String(cString: $0) } ?? "status \(status.rawValue)"
  }

  // MARK: - Marks

  private func setColour(_ colour: Colour) {
    cairo_set_source_rgb(cairo, colour.red, colour.green, colour.blue)
  }

  private func draw(_ mark: Mark) {
    switch mark {
    case .text(let text, let x, let y, let colour):
      setColour(colour)
      cairo_move_to(cairo, x, y)
      pango_cairo_show_layout(cairo, text.layout)
    case .watermark(let text, let colour):
      cairo_save(cairo)
      setColour(colour)
      cairo_translate(cairo, 105.0.mm, 160.0.mm)
      cairo_rotate(cairo, -0.95)
      cairo_move_to(cairo, -text.width / 2, -text.height / 2)
      pango_cairo_show_layout(cairo, text.layout)
      cairo_restore(cairo)
    case .line(let x, let y, let toX, let toY, let width, let colour):
      setColour(colour)
      cairo_set_line_width(cairo, width)
      cairo_move_to(cairo, x, y)
      cairo_line_to(cairo, toX, toY)
      cairo_stroke(cairo)
    case .fill(let rect, let colour, let corner): fill(rect, colour, corner)
    case .picture(let picture, let rect): draw(picture, rect)
    case .code(let code, let x, let y, let module): draw(code, x, y, module)
    }
  }

  private func fill(_ rect: Rect, _ colour: Colour, _ corner: Double) {
    setColour(colour)
    if corner <= 0 {
      cairo_rectangle(cairo, rect.x, rect.y, rect.width, rect.height)
    } else {
      let (r, quarter) = (corner, Double.pi / 2)
      cairo_new_sub_path(cairo)
      cairo_arc(cairo, rect.right - r, rect.y + r, r, -quarter, 0)
      cairo_arc(cairo, rect.right - r, rect.bottom - r, r, 0, quarter)
      cairo_arc(cairo, rect.x + r, rect.bottom - r, r, quarter, 2 * quarter)
      cairo_arc(cairo, rect.x + r, rect.y + r, r, 2 * quarter, 3 * quarter)
      cairo_close_path(cairo)
    }
    cairo_fill(cairo)
  }

  /// As large as fits into the rectangle, in its middle.
  private func draw(_ picture: Picture, _ rect: Rect) {
    let scale = min(rect.width / Double(picture.width), rect.height / Double(picture.height))
    cairo_save(cairo)
    cairo_translate(
      cairo, rect.x + (rect.width - Double(picture.width) * scale) / 2,
      rect.y + (rect.height - Double(picture.height) * scale) / 2)
    cairo_scale(cairo, scale, scale)
    cairo_set_source_surface(cairo, picture.surface, 0, 0)
    cairo_paint(cairo)
    cairo_restore(cairo)
  }

  /// As one mask of one sample a module, which a printer's dots meet exactly: nothing is smoothed.
  private func draw(_ code: MatrixCode, _ x: Double, _ y: Double, _ module: Double) {
    let quiet = Double(MatrixCode.quietZone) * module
    let side = code.side(module: module)
    fill(Rect(x: x - quiet, y: y - quiet, width: side, height: side), .white, 0)
    guard let mask = cairo_image_surface_create(CAIRO_FORMAT_A1, Int32(code.size), Int32(code.size))
    else { return }
    defer { cairo_surface_destroy(mask) }
    guard let bits = cairo_image_surface_get_data(mask) else { return }
    let stride = Int(cairo_image_surface_get_stride(mask))
    cairo_surface_flush(mask)
    for row in 0..<code.size {
      for column in 0..<code.size where code.isDark(row: row, column: column) {
        // The first pixel is the lowest bit: of machines of our byte order.
        bits[row * stride + column >> 3] |= 1 << UInt8(column & 7)
      }
    }
    cairo_surface_mark_dirty(mask)
    cairo_save(cairo)
    setColour(.black)
    cairo_translate(cairo, x, y)
    cairo_scale(cairo, module, module)
    if let pattern = cairo_pattern_create_for_surface(mask) {
      cairo_pattern_set_filter(pattern, CAIRO_FILTER_NEAREST)
      cairo_mask(cairo, pattern)
      cairo_pattern_destroy(pattern)
    }
    cairo_restore(cairo)
  }
}
