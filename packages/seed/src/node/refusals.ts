/** All that a seed refused or ended, by reason, in one list for the log. */
import type { SocketCounters } from '../admission/admitted-sockets.ts'
import type { InboundCounters } from '../admission/inbound-guard.ts'

export interface Refusals {
  /** Requests of the seed protocol */
  requests: Record<string, number>
  /** Connections and streams of the mesh */
  inbound: InboundCounters
  /** Connections of the HTTP port */
  http: SocketCounters
  /** What devices asked for, and their sockets */
  devices: Record<string, number>
}

/** Reasons of requests as they are, the others after what they are of: `connection_address`. */
export function allRefusals ({ requests, inbound, http, devices }: Refusals): Record<string, number> {
  return {
    ...requests,
    ...prefixed('connection', inbound.refused),
    ...prefixed('connection', inbound.givenUp),
    ...prefixed('connection', inbound.ended),
    ...prefixed('bytes', inbound.faults),
    ...prefixed('stream', inbound.streamsReset),
    ...prefixed('http', http.refused),
    ...prefixed('http', http.givenUp),
    ...prefixed('device', devices)
  }
}

function prefixed (prefix: string, counts: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).map(([reason, count]) => [`${prefix}_${reason}`, count]))
}
