/** WebRTC connections between peers. */
export { WebRtcError } from './webrtc-error.ts'
export type { TurnServer } from './ice-servers.ts'
export { webRtc, WebRtcService } from './webrtc-service.ts'
export type { WebRtcComponents, WebRtcCounters, WebRtcOptions, WebRtcWorld } from './webrtc-service.ts'
