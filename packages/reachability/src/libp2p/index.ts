/** Paths to other peers on libp2p. */
export type { HolePuncher, PunchPort } from './hole-puncher.ts'
export { decodePunch, encodePunch, PunchProtocolError } from './punch-message.ts'
export type { Punch, PunchKind } from './punch-message.ts'
export { triedCounter, workedCounter } from './reachability-counters.ts'
export type { ReachabilityCounters } from './reachability-counters.ts'
export { reachability, ReachabilityService } from './reachability-service.ts'
export type { ReachabilityComponents, ReachabilityEvents, ReachabilityInit } from './reachability-service.ts'
export type { WebRtc, WebRtcCounters, WebRtcFactory, WebRtcWorld } from './webrtc.ts'
