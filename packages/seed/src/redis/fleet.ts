/** Puts together what a seed of a fleet needs: a connection to Redis, the registry there, and the seed's own memory beside it. */
import { MemoryRegistry } from '../registry/memory-registry.ts'
import { FleetRegistry } from './fleet-registry.ts'
import { parseRedisAddress } from './redis-address.ts'
import { RedisConnection } from './redis-connection.ts'
import { RedisRegistry } from './redis-registry.ts'
import type { FleetRegistryInit } from './fleet-registry.ts'
import type { RedisConnectionInit } from './redis-connection.ts'
import type { RedisRegistryInit } from './redis-registry.ts'

export interface OpenFleetInit extends
  Pick<FleetRegistryInit, 'clock' | 'random' | 'breaker' | 'backfill' | 'onState'>,
  Pick<RedisRegistryInit, 'prefix' | 'maxPerNetwork' | 'orderRegions' | 'serverTime'>,
  Pick<RedisConnectionInit, 'commandTimeoutMs' | 'onError'> {
  /** `redis://HOST:PORT`, or nodes of a cluster separated by commas */
  redis: string
  /** Of the fleet, and of what one seed keeps in memory @default 100_000 */
  maxRegistrations?: number
}

export interface OpenFleet {
  registry: FleetRegistry
  connection: RedisConnection
  close: () => void
}

/**
 * Returns at once; the registry works from memory until Redis answers.
 *
 * @throws {RedisAddressError}
 */
export function openFleetRegistry (init: OpenFleetInit): OpenFleet {
  const { random, maxRegistrations, maxPerNetwork, orderRegions } = init
  const address = parseRedisAddress(init.redis)
  const connection = new RedisConnection({
    address,
    commandTimeoutMs: init.commandTimeoutMs,
    onError: init.onError,
    onReady: () => { registry.onReachable() }
  })
  const shared = new RedisRegistry({
    connection,
    prefix: init.prefix,
    maxRegistrations,
    maxPerNetwork,
    orderRegions,
    serverTime: init.serverTime,
    onEmpty: () => { registry.onEmpty() },
    random
  })
  const local = new MemoryRegistry({ maxRegistrations, maxPerNetwork, orderRegions, random })
  const registry = new FleetRegistry({
    local, shared, clock: init.clock, random, breaker: init.breaker, backfill: init.backfill, onState: init.onState
  })
  registry.start()
  return {
    registry,
    connection,
    close: () => {
      registry.stop()
      connection.close()
    }
  }
}
