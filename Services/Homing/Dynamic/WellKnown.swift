internal import Descriptors

/// Messages that have a JSON form of their own.
enum WellKnown {
  case timestamp
  case duration

  /// Nil for an ordinary message.
  ///
  /// - Throws: for types whose JSON form this does not speak; the contract does not use them.
  init?(_ type: MessageType) throws(DynamicError) {
    if type.descriptor.isMapEntry {
      throw DynamicError("is a map, which the contract does not use")
    }
    switch type.fullName {
    case "google.protobuf.Timestamp": self = .timestamp
    case "google.protobuf.Duration": self = .duration
    case "google.protobuf.Any", "google.protobuf.Struct", "google.protobuf.Value",
      "google.protobuf.ListValue", "google.protobuf.FieldMask",
      "google.protobuf.DoubleValue", "google.protobuf.FloatValue", "google.protobuf.Int64Value",
      "google.protobuf.UInt64Value", "google.protobuf.Int32Value",
      "google.protobuf.UInt32Value", "google.protobuf.BoolValue",
      "google.protobuf.StringValue", "google.protobuf.BytesValue":
      throw DynamicError("is a \(type.fullName), which the contract does not use")
    default: return nil
    }
  }

  func message(
    _ text: String, _ type: MessageType, _ schema: Schema
  ) throws(DynamicError) -> DynamicMessage {
    let time = try self == .timestamp ? TimeText.timestamp(text) : TimeText.duration(text)
    var message = DynamicMessage(type, schema)
    if let seconds = type.field(1), seconds.kind == .int64 {
      message.set(seconds, .int(time.seconds))
    }
    if let nanos = type.field(2), nanos.kind == .int32 {
      message.set(nanos, .int(Int64(time.nanos)))
    }
    return message
  }

  func text(_ message: DynamicMessage) throws(DynamicError) -> String {
    var time = TimeText(seconds: 0, nanos: 0)
    if case .int(let seconds)? = message.values[1] { time.seconds = seconds }
    if case .int(let nanos)? = message.values[2] { time.nanos = Int32(truncatingIfNeeded: nanos) }
    return try self == .timestamp ? time.timestampText() : time.durationText()
  }
}
