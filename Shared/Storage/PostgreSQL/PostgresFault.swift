/// What the server says of a fault, in parts.
struct PostgresDiagnosis: Sendable {
  /// SQLSTATE; empty where the connection failed.
  var state = ""
  var message = ""
  var detail = ""
  var table = ""
  var column = ""
  var constraint = ""
}

/// A fault that says whether the whole transaction may be run again.
struct PostgresFault: Error {
  enum Cure {
    case none
    /// Another transaction was in the way: run again.
    case again
    /// The connection is gone, or the server is: run again over another one.
    case anew
  }

  let error: StorageError
  let cure: Cure

  init(_ error: StorageError, _ cure: Cure = .none) {
    self.error = error
    self.cure = cure
  }

  init(_ diagnosis: PostgresDiagnosis, _ statement: String) {
    let text = "\(statement): \(diagnosis.message)"
    let error: (StorageError.Code) -> StorageError = { StorageError($0, text) }
    switch diagnosis.state {
    case "40001", "40P01": self.init(error(.busy), .again)
    case "55P03", "57014": self.init(error(.busy))
    case "23514": self.init(error(.constraint(diagnosis.constraint)))
    case "23505": self.init(error(.constraint(PostgresFault.key(diagnosis))))
    case "23502":
      self.init(error(.constraint("\(diagnosis.table).\(diagnosis.column)")))
    case "53100", "53200": self.init(error(.full))
    case "53300": self.init(error(.io), .anew)
    case "57P01", "57P02", "57P03", "": self.init(error(.io), .anew)
    case let state where state.hasPrefix("08"): self.init(error(.io), .anew)
    case let state where state.hasPrefix("58"): self.init(error(.io))
    case let state where state.hasPrefix("XX"): self.init(error(.corrupt))
    default: self.init(error(.statement))
    }
  }

  /// Such as `kept.bucket, kept.id`: the detail begins `Key (bucket, id)=(`.
  private static func key(_ diagnosis: PostgresDiagnosis) -> String {
    guard let open = diagnosis.detail.firstIndex(of: "("),
      let close = diagnosis.detail.firstRange(of: ")=(")
    else { return diagnosis.constraint }
    let names = diagnosis.detail[diagnosis.detail.index(after: open)..<close.lowerBound]
    return names.split(separator: ", ").map { "\(diagnosis.table).\($0)" }
      .joined(separator: ", ")
  }
}
