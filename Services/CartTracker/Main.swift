internal import ServiceKit

/// `cart-tracker`: notices when a cart is given up.
@main
struct Main {
  static func main() async {
    await ServiceRunner.run(
      name: "cart-tracker",
      purpose: "Notices when a cart, quote, configuration or reorder is given up.",
      settings: { settings in TrackerConfiguration(reading: &settings) },
      compose: { try Composition.compose($0, $1) })
  }
}
