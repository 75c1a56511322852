internal import Glibc
internal import Messages

/// A folder of template files on disk, in the layout of `TemplateFiles`.
enum TemplateFolder {
  /// In bytes; the contract's limit for HTML, and for what a file may say beside it.
  static let fileSizeMax = 1 << 20
  static let filesMax = 2000
  private static let endings = [".template", ".txt", ".html"]

  /// The templates of the folder, by name and locale.
  ///
  /// - Parameter path: blocks while it is read.
  /// - Throws: `CommandError` that names the folder or the file.
  static func read(_ path: String) throws(CommandError) -> [ShippedTemplate] {
    let templates = try TemplateFiles.parse(try files(path, endings))
    guard !templates.isEmpty else {
      throw .file(
        "\(Printable.text(path)) holds no template: there is no NAME.template with its "
          + "NAME.LOCALE.txt beside it")
    }
    return templates
  }

  /// The files of a folder whose names end so, by their names.
  static func files(
    _ path: String, _ endings: [String]
  ) throws(CommandError) -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    for name in try names(path) where endings.contains(where: name.hasSuffix) {
      guard files.count < filesMax else {
        throw .file("\(Printable.text(path)) holds more than \(filesMax) files")
      }
      files[name] = try InputFile.bytes("\(path)/\(name)", bytesMax: fileSizeMax)
    }
    return files
  }

  /// What a folder holds, hidden things apart.
  static func names(_ path: String) throws(CommandError) -> [String] {
    guard let folder = opendir(path) else {
      throw .file("cannot read \(Printable.text(path)): \(SystemError.text(errno))")
    }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { start in
        start.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted()
  }

  /// The file that a part of a template stands in.
  static func file(_ name: String, _ locale: String, part: String) -> String {
    let stem = locale.isEmpty ? name : "\(name).\(locale)"
    switch part {
    case "subject": return stem + ".subject.txt"
    case "html": return stem + ".html"
    case "text": return stem + ".txt"
    default: return name + ".template"
    }
  }

  /// Writes a template as files of that layout.
  static func write(_ template: NotifierV1.Template, to path: String) throws(CommandError) {
    let parts = template.parts ?? .init()
    try make(path)
    var heading = "channel: \(MessageTexts.channel.name(template.channel))\n"
    let required = parts.required.joined(separator: ", ")
    if !required.isEmpty { heading += "required: \(required)\n" }
    var files = [(file(template.name, template.locale, part: ""), heading)]
    if !parts.subject.isEmpty {
      files.append((file(template.name, template.locale, part: "subject"), parts.subject + "\n"))
    }
    if !parts.html.isEmpty {
      files.append((file(template.name, template.locale, part: "html"), parts.html))
    }
    if !parts.text.isEmpty {
      files.append((file(template.name, template.locale, part: "text"), parts.text))
    }
    for (name, text) in files { try write(Array(text.utf8), to: path, name) }
  }

  /// - Parameter name: within the folder; a name with a slash is refused, whoever it came from.
  static func write(_ bytes: [UInt8], to path: String, _ name: String) throws(CommandError) {
    guard !name.contains("/"), !name.hasPrefix(".") else {
      throw .file("\"\(Printable.text(name))\" is no name of a file")
    }
    let file = try OutputFile("\(path)/\(name)")
    try file.write(bytes)
    try file.close()
  }

  /// Makes the folder where there is none.
  static func make(_ path: String) throws(CommandError) {
    guard mkdir(path, 0o755) == 0 || errno == EEXIST else {
      throw .file("cannot make \(Printable.text(path)): \(SystemError.text(errno))")
    }
  }
}
