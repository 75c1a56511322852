internal import Messages
internal import Synchronization
internal import Wire

/// What the tracker says about stores.
protocol StoreSource: Sendable {
  /// Nil where there is no such store.
  func store(_ id: String) async throws -> CartTrackerV1.Store?
}

/// Copies of the stores' settings, asked for when they are first needed and again when facts tell
/// of a newer revision.
final class StoreBook: Sendable {
  enum Answer: Sendable {
    case known(StoreProfile)
    /// There is no such store.
    case unknown
    /// The tracker does not answer.
    case away(String)
  }

  private struct State {
    var profiles: [String: StoreProfile] = [:]
    /// Revisions that facts told of.
    var newest: [String: UInt32] = [:]
  }

  private let source: any StoreSource
  private let state = Mutex(State())

  init(_ source: any StoreSource) { self.source = source }

  /// The newest copy there is; nil where none was asked for yet. Does not block.
  func copy(of store: String) -> StoreProfile? {
    state.withLock { state in state.profiles[store] }
  }

  /// Facts were read under this revision of the settings.
  func note(_ store: String, revision: UInt32) {
    state.withLock { $0.newest[store] = max($0.newest[store] ?? 0, revision) }
  }

  func profile(of store: String) async -> Answer {
    let known = state.withLock { state -> StoreProfile? in
      guard let profile = state.profiles[store],
        profile.revision >= state.newest[store] ?? 0
      else { return nil }
      return profile
    }
    if let known { return .known(known) }
    do {
      guard let answer = try await source.store(store) else { return .unknown }
      let profile = StoreProfile(answer)
      state.withLock { $0.profiles[store] = profile }
      return .known(profile)
    } catch {
      // Old settings are better than none.
      if let old = copy(of: store) { return .known(old) }
      return .away("\(error)")
    }
  }

  func profiles(of stores: Set<String>) async -> [String: Answer] {
    var answers: [String: Answer] = [:]
    for store in stores.sorted() { answers[store] = await profile(of: store) }
    return answers
  }
}
