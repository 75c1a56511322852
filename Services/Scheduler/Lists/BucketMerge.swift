internal import Storage

/// Merges the answers that a statement gives for each bucket, as far as they are read.
struct BucketMerge<Element> {
  private struct Lane {
    let bucket: UInt8
    let cursor: any RowCursor
    var element: Element
  }

  private var lanes: [Lane] = []
  private let read: (Row, UInt8) throws -> Element
  private let isBefore: (Element, Element) -> Bool

  /// - Parameters:
  ///   - values: of the statement for a bucket, whose answer must be in order by `isBefore`.
  init(
    _ statement: Statement, in session: any StorageSession, values: (UInt8) -> [SQLValue],
    isBefore: @escaping (Element, Element) -> Bool,
    read: @escaping (Row, UInt8) throws -> Element
  ) throws {
    self.read = read
    self.isBefore = isBefore
    for bucket in UInt8.min...UInt8.max {
      let cursor = try session.cursor(statement, values(bucket))
      guard let row = try cursor.next() else { continue }
      lanes.append(Lane(bucket: bucket, cursor: cursor, element: try read(row, bucket)))
    }
    // The next one is the last, so that taking it away is cheap.
    lanes.sort { isBefore($1.element, $0.element) }
  }

  /// The next of all buckets.
  mutating func next() throws -> Element? {
    guard var lane = lanes.popLast() else { return nil }
    let element = lane.element
    guard let row = try lane.cursor.next() else { return element }
    lane.element = try read(row, lane.bucket)
    var low = 0
    var high = lanes.count
    while low < high {
      let middle = (low + high) / 2
      if isBefore(lane.element, lanes[middle].element) { low = middle + 1 } else { high = middle }
    }
    lanes.insert(lane, at: low)
    return element
  }
}
