internal import Messages

/// The short names of the values that carts and episodes speak in.
enum CartTexts {
  static let kind = EnumText<CartTrackerV1.CartKind>("CART_KIND_")
  static let place = EnumText<CartTrackerV1.Place>("PLACE_")
  static let offerClass = EnumText<CartTrackerV1.OfferClass>("OFFER_CLASS_")
  static let device = EnumText<CartTrackerV1.Device>("DEVICE_")
  static let stage = EnumText<CartTrackerV1.Stage>("STAGE_")
  static let reason = EnumText<CartTrackerV1.LeaveReason>("LEAVE_REASON_")
  static let state = EnumText<CartTrackerV1.CartState>("CART_STATE_")
  static let column = EnumText<CartTrackerV1.CartColumn>("CART_COLUMN_")
  static let trigger = EnumText<CartTrackerV1.Trigger>("TRIGGER_")
  static let episodeState = EnumText<CartTrackerV1.EpisodeState>("EPISODE_STATE_")
  static let evidence = EnumText<CartTrackerV1.IdentityEvidence>("IDENTITY_EVIDENCE_")
  static let channel = EnumText<CommonV1.Channel>("CHANNEL_")
}
