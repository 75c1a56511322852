internal import ServiceKit

/// `direct-mail`: a letter stays cancellable until its cut-off, and goes out at most once.
@main
struct Main {
  static func main() async {
    await ServiceRunner.run(
      name: "direct-mail",
      purpose: "Prints letters to contacts in batches, and hands these over.",
      settings: { settings in DirectMailConfiguration(reading: &settings) },
      compose: { try Composition.compose($0, $1) })
  }
}
