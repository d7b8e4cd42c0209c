/** A WebRTC connection did not come about. */
export class WebRtcError extends Error {
  static override name = 'WebRtcError'
  override readonly name = 'WebRtcError'
}
