internal import Delivery
internal import Messages

/// Where an order's rows are.
enum OwnerBucket {
  static func of(_ order: CommonV1.SendOrder) -> UInt8 {
    OwnerKey.contact(store: order.store, contact: order.contact).bucket
  }
}
