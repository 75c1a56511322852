internal import ServiceKit

/// `gateway`: the HTTP edge of the suite.
@main
struct Main {
  static func main() async {
    await ServiceRunner.run(
      name: "gateway",
      purpose: "Takes clicks, openings, opt-outs and providers' reports over HTTP.",
      hasData: false,
      settings: { settings in GatewayConfiguration(reading: &settings) },
      compose: { try Composition.compose($0, $1) })
  }
}
