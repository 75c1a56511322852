internal import ServiceKit

/// `scheduler`: decides each due step once.
@main
struct Main {
  static func main() async {
    await ServiceRunner.run(
      name: "scheduler",
      purpose: "Follows flows: each due step is decided once, as one send or one reason.",
      settings: { settings in SchedulerConfiguration(reading: &settings) },
      compose: { try Composition.compose($0, $1) })
  }
}
