internal import Messages

/// What keeps back a send that all else permits: asked about each, in the deciding transaction and
/// right before the send is recorded (F15, F17, F20).
protocol SendBrakes: AnyObject {
  /// - Returns: nil: it goes, and counts from here on.
  func hold(_ ask: SendAsk) throws -> SendHold?
}

/// A send that would be made now.
struct SendAsk {
  let order: Identifier
  let enrolment: Enrolment
  let version: FlowVersion
  let send: SendStep
  let input: DecisionInput

  /// Nothing leaves: it counts for dry runs only.
  var isDry: Bool { input.mode != .test && input.mode != .live }
}

/// Instants in microseconds.
enum SendHold: Equatable {
  /// It is never sent, nor is anything after it (F17).
  case heldOut
  /// There is no room before.
  case capped(until: Int64)
  /// The flow has had its orders; to be looked at again then.
  case ceiling(until: Int64)
}

/// Holds nothing: for whoever ends enrolments and sends nothing.
final class FreeBrakes: SendBrakes {
  func hold(_ ask: SendAsk) -> SendHold? { nil }
}
