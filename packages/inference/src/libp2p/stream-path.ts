/** Over which path a request runs, as far as libp2p tells. */
import type { Connection } from '@libp2p/interface'

/** A relay need not name limits, so the address counts too. */
export function pathOf ({ limits, remoteAddr }: Pick<Connection, 'limits' | 'remoteAddr'>): 'direct' | 'relayed' {
  return limits !== undefined || remoteAddr.toString().includes('/p2p-circuit') ? 'relayed' : 'direct'
}
