internal import Messages

/// Lists that a service answers page by page.
enum ListPages {
  /// The most that is asked for at once.
  private static let pageMax = 1000

  /// Every item of a list, never more than one page in memory.
  ///
  /// - Parameters:
  ///   - limit: items wanted at the most; 0: all.
  ///   - page: asks for the next page.
  ///   - show: is given each page; the first one also where it is empty.
  static func each<Item>(
    limit: Int, _ page: (CommonV1.Page) async throws -> (items: [Item], next: String),
    _ show: ([Item]) throws -> Void
  ) async throws {
    var after = ""
    var left = limit == 0 ? Int.max : limit
    repeat {
      let isFirst = after.isEmpty
      let answer = try await page(.init(limit: UInt32(min(left, pageMax)), after: after))
      let items = answer.items.prefix(left)
      if !items.isEmpty || isFirst { try show(Array(items)) }
      left -= items.count
      after = answer.next
    } while !after.isEmpty && left > 0
  }
}
