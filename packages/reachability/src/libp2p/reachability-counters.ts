/** What was done to reach others directly. */
import type { DirectWay } from '../pair-ways.ts'

const COUNTED = { dial: 'dial', reverse: 'reverse', 'tcp-punch': 'tcp_punch', webrtc: 'webrtc' } as const satisfies Record<DirectWay, string>
type Counted = typeof COUNTED[DirectWay]

/** All only grow. */
export type ReachabilityCounters = Record<`tried_${Counted}_total` | `worked_${Counted}_total`, number> & {
  /** Questions of others that came too often */
  refused_total: number
}

export function newReachabilityCounters (): ReachabilityCounters {
  return {
    tried_dial_total: 0,
    tried_reverse_total: 0,
    tried_tcp_punch_total: 0,
    tried_webrtc_total: 0,
    worked_dial_total: 0,
    worked_reverse_total: 0,
    worked_tcp_punch_total: 0,
    worked_webrtc_total: 0,
    refused_total: 0
  }
}

export function triedCounter (way: DirectWay): `tried_${Counted}_total` {
  return `tried_${COUNTED[way]}_total`
}

export function workedCounter (way: DirectWay): `worked_${Counted}_total` {
  return `worked_${COUNTED[way]}_total`
}
