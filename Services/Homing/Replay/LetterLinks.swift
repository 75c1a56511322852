internal import Glibc

/// Names for letters that a person looks for, beside the folders that the printer gets.
enum LetterLinks {
  /// For each batch `BATCH/letters.pdf` of a folder also `BATCH.pdf`, a symbolic link. Blocks.
  ///
  /// - Parameter folder: where batches are handed over; nothing happens where there is none.
  static func make(in folder: String) throws(CommandError) {
    guard access(folder, R_OK | X_OK) == 0 else { return }
    for batch in try TemplateFolder.names(folder) {
      let document = "\(batch)/letters.pdf"
      guard access("\(folder)/\(document)", R_OK) == 0 else { continue }
      let link = "\(folder)/\(batch).pdf"
      if symlink(document, link) != 0 && errno != EEXIST {
        throw .file("cannot make \(Printable.text(link)): \(SystemError.text(errno))")
      }
    }
  }
}
