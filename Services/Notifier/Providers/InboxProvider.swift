internal import Messages
internal import Storage

/// Puts internal messages into the staff's inbox, which is a table of the notifier (M03): in the
/// same transaction as the result, so it is there exactly once.
final class InboxProvider: Provider {
  let name: String
  let slots: Int

  init(name: String, slots: Int) {
    self.name = name
    self.slots = slots
  }

  func send(_ parcels: [Parcel]) {
    for parcel in parcels { parcel.done(ProviderResult(.taken, answer: "stored")) }
  }

  func store(_ parcel: Parcel, _ session: any StorageSession, now: Int64) throws {
    let text = String(decoding: parcel.content.bytes, as: UTF8.self)
    let recipients =
      parcel.order.recipients.isEmpty ? [Recipient.everybody] : parcel.order.recipients
    for recipient in recipients {
      try session.execute(
        MessageStatements.addNote,
        [
          parcel.key.bucketValue, parcel.key.idValue, .text(recipient), .text(parcel.order.store),
          .integer(now), .text(text),
        ])
    }
  }
}
