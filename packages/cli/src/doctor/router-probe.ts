/** Has the router let others in at the port of this peer for as long as the examination takes, to see whether it does. */
import { sleep } from '@skein/core'
import { mappablePorts } from '@skein/peer/node'
import { PortMapping } from '@skein/reachability/node'
import type { Clock, Random } from '@skein/core'
import type { MappingFinding } from '@skein/reachability'

export interface RouterProbeInit {
  /** What this peer listens at, multiaddr texts, those of all interfaces one by one */
  listening: readonly string[]
  /** `/ip4/192.0.2.1`: hosts under which others see it */
  seenAt: readonly string[]
  isAnnounced: boolean
  /** A router that has not answered by then counts as silent */
  timeoutMs: number
  clock: Clock
  random: Random
  signal: AbortSignal
}

export interface ProbedRouter {
  /** Left out when there was nothing to map */
  finding?: MappingFinding
  /** Has the router close the port again; two seconds at most */
  close: () => Promise<void>
}

/** It ends by itself after this, should the examination be killed, ms. */
const LIFETIME_MS = 120_000

/** One port stands for all. @throws what aborted it, when `signal` fires */
export async function probeRouter ({ listening, seenAt, isAnnounced, timeoutMs, clock, random, signal }: RouterProbeInit): Promise<ProbedRouter> {
  const [port] = mappablePorts({ listening, seenAt, isAnnounced }).ports
  if (port === undefined) {
    return { close: async () => {} }
  }
  const { promise: found, resolve } = Promise.withResolvers<MappingFinding>()
  const mapping = new PortMapping({
    lifetimeMs: LIFETIME_MS,
    onOpened: ({ protocol, externalAddress, externalPort }) => { resolve({ address: `/ip4/${externalAddress}/tcp/${externalPort}`, protocol }) },
    onFailed: (_, problem) => { resolve({ problem }) },
    clock,
    random
  })
  const done = new AbortController()
  const either = AbortSignal.any([done.signal, signal])
  try {
    mapping.setPorts([port])
    const late = sleep(clock, timeoutMs, { signal: either }).then((): MappingFinding => ({ problem: 'silent' }))
    late.catch(() => {})
    return { finding: await Promise.race([found, late]), close: async () => { await mapping.stop() } }
  } catch (error) {
    await mapping.stop()
    throw error
  } finally {
    done.abort()
  }
}
