/** Whom a peer joins through: the addresses and names of seeds that it was given. */
import { platform } from '#platform'
import { parseSeedAddress } from './seed-address.ts'
import { SeedAddressError } from './seed-name-error.ts'
import type { SeedNamesLookup } from './mesh-membership.ts'
import type { SeedAddress } from './seed-address.ts'
import type { PeerInit } from './peer-init.ts'

const MAX_BOOTSTRAP = 256
const MAX_NAMES = 16

export interface Bootstrap {
  seeds: SeedAddress[]
  names?: SeedNamesLookup
}

/** @throws {SeedAddressError} @throws {NameServerError} */
export function readBootstrap ({ bootstrap = [], dns = {}, onSeedNameFailure }: PeerInit): Bootstrap {
  const seeds = bootstrap.map(parseSeedAddress)
  const names = seeds.filter(({ kind }) => kind !== 'multiaddr')
  const beyond = seeds[MAX_BOOTSTRAP] ?? names[MAX_NAMES]
  if (beyond !== undefined) {
    throw new SeedAddressError(beyond.text, `at most ${MAX_BOOTSTRAP} entries, ${MAX_NAMES} of them names`)
  }
  const resolver = names.length > 0 || dns.servers !== undefined ? platform.nameResolver(dns.servers) : undefined
  return { seeds, names: resolver && { resolver, defaultTtlMs: dns.defaultTtlMs, onFailure: onSeedNameFailure } }
}
