/// How PostgreSQL is used.
package struct PostgresOptions: Sendable {
  /// Connections for reads that run at once, beside the one that writes.
  package var readers = 4
  /// For each host of the address, in whole seconds.
  package var connectTimeout = Duration.seconds(5)
  /// After which the server ends a statement; a transaction that it belonged to is rolled back.
  package var statementTimeout = Duration.seconds(30)
  /// For how long a transaction is begun again where the server is away, before the caller is told.
  package var patience = Duration.seconds(10)
  /// Times that a transaction is run where another one was in its way.
  package var attempts = 8
  /// Shown by the server in its list of connections; at most 63 bytes.
  package var applicationName = "homing"

  package init() {}

  func validate() {
    precondition(readers >= 1 && attempts >= 1)
    precondition(connectTimeout >= .seconds(1) && statementTimeout > .zero && patience >= .zero)
    precondition(applicationName.utf8.count <= 63)
  }
}
