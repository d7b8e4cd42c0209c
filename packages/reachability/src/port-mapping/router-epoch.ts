/** Whether a router has lost its table of mappings since it last told its epoch (RFC 6887, §8.5; it is as good for NAT-PMP's time): pure. */

export interface EpochSample {
  epochS: number
  atMs: number
}

/** Whole seconds are told, and answers take a moment. */
const SLACK_S = 2
/** Clocks of routers may be so far off. */
const DRIFT = 1 / 16

export function hasRestarted (before: EpochSample, now: EpochSample): boolean {
  const routerS = now.epochS - before.epochS
  const ownS = (now.atMs - before.atMs) / 1_000
  return routerS < -1 || ownS + SLACK_S < routerS - routerS * DRIFT || routerS + SLACK_S < ownS - ownS * DRIFT
}
