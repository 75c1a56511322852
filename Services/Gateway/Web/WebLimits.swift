/// What the gateway takes from anybody.
struct WebLimits: Sendable {
  /// Of path and query, in bytes.
  var targetSizeMax = 4096
  /// Of one header, in bytes.
  var headerSizeMax = 8192
  /// Of all headers, in bytes.
  var headersSizeMax = 32 << 10
  /// What a callback may carry to the notifier.
  var headersMax = 64
  /// Of an unsubscribe or objection form, in bytes.
  var formSizeMax = 8192
  /// Of a provider's callback, in bytes.
  var reportSizeMax = 1 << 20
  /// Read and dropped after a body that is too large, so that its sender still reads the answer.
  var droppedSizeMax = 4 << 20
  var connectionsMax = 4096
  /// Of all bodies that are being taken, in bytes.
  var bodyBytesMax = 64 << 20
  var idleTime = Duration.seconds(15)
  var bodyTime = Duration.seconds(10)
  /// Of one call to the notifier or direct-mail, attempts again included.
  var callTime = Duration.seconds(5)
  /// Of the call for a picture, which is shown whatever becomes of it.
  var openTime = Duration.seconds(2)
}
