/**
 * The mixes of devices for which it is said which share of bytes goes through relays. All are ASSUMPTIONS, and stand beside every figure that
 * comes from them. Where a comparison of traversal was published by mix, they are fitted to it (`nat-mix.ts`); the other two to shares of requests
 * that were computed for punching alone, from the share of devices behind NATs or from the NATs of carriers.
 */
import { POPULATIONS } from './nat-mix.ts'
import type { NatPopulation } from './nat-mix.ts'

export interface RelayMix {
  name: string
  /** In a few words */
  what: string
  /** What it was fitted to */
  source: string
  population: NatPopulation
}

export const RELAY_MIXES = [
  {
    name: 'half',
    what: 'half of the devices without a NAT, as in the DHT of IPFS',
    source: '51.7 % behind NATs; punching alone: 8 to 12 % of requests relayed',
    population: {
      mix: {
        public: 0.483,
        'endpoint-independent': 0.01,
        'port-restricted': 0.482,
        'symmetric-sequential': 0.01,
        'symmetric-random': 0.01,
        'udp-blocked': 0.005
      },
      mappable: 0,
      ipv6: 0
    }
  },
  {
    name: 'home',
    what: 'home routers',
    source: 'relayed 77, 27, 17, 10, 5 % of requests as ways are added',
    population: POPULATIONS.home
  },
  {
    name: 'mobile',
    what: 'homes and phones: consumer + mobile',
    source: 'relayed 85, 47, 33, 21, 13 % of requests as ways are added',
    population: POPULATIONS.mobile
  },
  {
    name: 'office',
    what: 'offices',
    source: 'relayed 90, 59, 42, 31, 20 % of requests as ways are added',
    population: POPULATIONS.office
  },
  {
    name: 'phones',
    what: 'phones behind the NATs of carriers',
    source: 'punching alone: 34 to 57 % of requests relayed',
    population: {
      mix: { public: 0, 'endpoint-independent': 0, 'port-restricted': 0.86, 'symmetric-sequential': 0.04, 'symmetric-random': 0.1, 'udp-blocked': 0 },
      mappable: 0,
      ipv6: 0
    }
  }
] as const satisfies readonly RelayMix[]

export type RelayMixName = typeof RELAY_MIXES[number]['name']

export const RELAY_MIX_NAMES = RELAY_MIXES.map(({ name }) => name) as readonly RelayMixName[]

export function relayMixOf (name: RelayMixName): RelayMix {
  return RELAY_MIXES.find(mix => mix.name === name) as RelayMix
}
