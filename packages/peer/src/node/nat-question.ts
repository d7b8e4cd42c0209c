/** Asks STUN servers what the NAT before this machine does, and says it in the terms in which pairs of peers are judged. */
import { natVerdict } from '@skein/reachability'
import { natMapping } from '@skein/supernode/node'
import type { Clock, Random } from '@skein/core'
import type { NatFiltering, NatVerdict } from '@skein/reachability'
import type { NatFilteringClass, NatMapping, NatMappingOptions, StunServer } from '@skein/supernode/node'

export type NatPatience = Pick<NatMappingOptions, 'rtoMs' | 'sends' | 'filterSends'>

/** A server that does not answer costs 3 s, silence that tells of a filter 2 s; a lost datagram or two are made good. */
const PATIENCE: NatPatience = { rtoMs: 100, sends: 5, filterSends: 3 }

export interface NatQuestionOptions extends NatPatience {
  signal: AbortSignal
  clock: Clock
  random: Random
  /** Told the verdict without the filtering, which takes seconds to find out */
  onMapped?: (verdict: NatVerdict | undefined) => void
}

/** @throws what aborted it, when the signal fires */
export async function askNat (servers: readonly string[], { onMapped, ...options }: NatQuestionOptions): Promise<NatVerdict | undefined> {
  return verdictOf(await natMapping(servers.flatMap(serverAt), {
    ...PATIENCE,
    ...options,
    onMapped: seen => { onMapped?.(verdictOf({ ...seen, filtering: 'unknown' })) }
  }))
}

/** From what STUN servers saw, in the classes of RFC 5780, to what is said of a NAT when paths are chosen: the one place where the two meet. */
export function verdictOf ({ seen, failed, filtering }: Pick<NatMapping, 'seen' | 'failed' | 'filtering'>): NatVerdict | undefined {
  const local = seen[0]?.local
  const known = FILTERING[filtering]
  return natVerdict({
    local: { addresses: local === undefined ? [] : [local.host], port: local?.port ?? 0 },
    sightings: seen.map(({ server, mapped }) => ({ server: `${server.host}:${server.port}`, address: mapped.host, port: mapped.port })),
    asked: new Set([...seen.map(({ server }) => server.host), ...failed.map(({ server }) => server.host)]).size,
    ...known === undefined ? {} : { filtering: known }
  })
}

const FILTERING: Record<NatFilteringClass, NatFiltering | undefined> = {
  endpoint_independent: 'open',
  address_dependent: 'address',
  address_and_port_dependent: 'port',
  // it may be open, which nobody could find out
  not_port_dependent: 'address',
  unknown: undefined
}

/** IPv4 alone: it is there that NATs are. */
function serverAt (address: string): StunServer[] {
  const [, family, host, , port] = address.split('/')
  return host === undefined || family === 'ip6' || family === 'dns6' ? [] : [{ host, port: Number(port) }]
}
