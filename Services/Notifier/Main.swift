internal import ServiceKit

/// `notifier`: hands a message to its provider once, and never after a purchase.
@main
struct Main {
  static func main() async {
    await ServiceRunner.run(
      name: "notifier",
      purpose: "Sends e-mails, texts, chats, pushes, internal notes and webhooks.",
      settings: { settings in NotifierConfiguration(reading: &settings) },
      compose: { try Composition.compose($0, $1) })
  }
}
