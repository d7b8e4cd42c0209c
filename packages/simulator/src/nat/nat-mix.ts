/**
 * Populations by class of NAT, and the share of requests that must be relayed, computed exactly. The mixes are ASSUMPTIONS: no survey gives the
 * classes of the devices that a mesh of AI models would have. They were chosen so that plain libp2p for JavaScript, which does not punch, relays
 * 77, 85 and 90 % of its requests, and stay within a tenth of the other published rates of that comparison. Publish a mix beside every figure that
 * comes from it.
 */
import { canDial, canPunch } from '../engine/nat.ts'
import type { NatClass, NatInit } from '../engine/nat.ts'

export type NatMixName = 'home' | 'mobile' | 'office'
export type NatMix = Record<NatClass, number>

export interface NatPopulation {
  mix: NatMix
  /** Of those behind a NAT that maps endpoint-independently, whose router maps a port on request (UPnP, NAT-PMP, PCP) */
  mappable: number
  /** Devices with IPv6 that their firewall lets in, by a rule or by a punch */
  ipv6: number
}

/** Home routers; a mix of homes and phones; offices. */
export const POPULATIONS: Record<NatMixName, NatPopulation> = {
  home: {
    mix: {
      public: 0.02, 'endpoint-independent': 0.23, 'port-restricted': 0.66, 'symmetric-sequential': 0.06, 'symmetric-random': 0, 'udp-blocked': 0.03
    },
    mappable: 0.25,
    ipv6: 0.7
  },
  mobile: {
    mix: {
      public: 0, 'endpoint-independent': 0.19, 'port-restricted': 0.48, 'symmetric-sequential': 0.09, 'symmetric-random': 0.24, 'udp-blocked': 0
    },
    mappable: 0.38,
    ipv6: 0.62
  },
  office: {
    mix: {
      public: 0.07, 'endpoint-independent': 0.08, 'port-restricted': 0.39, 'symmetric-sequential': 0.39, 'symmetric-random': 0.07, 'udp-blocked': 0
    },
    mappable: 0.45,
    ipv6: 0.6
  }
}

/** What a network does to connect directly, each with all before it. */
export const TRAVERSAL_LEVELS = ['ships', 'punching', 'mapping', 'birthday', 'ipv6'] as const
export type TraversalLevel = typeof TRAVERSAL_LEVELS[number]

export interface Traversal {
  mix: NatMix
  ways: Required<Pick<NatInit, 'punching' | 'portPrediction' | 'birthday' | 'tcpOpen'>>
  /** Of all devices */
  ipv6: number
}

/** A population with what it does at a level: port mapping makes some of it public. */
export function traversalOf (population: NatPopulation, level: TraversalLevel): Traversal {
  const reached = (at: TraversalLevel): boolean => TRAVERSAL_LEVELS.indexOf(level) >= TRAVERSAL_LEVELS.indexOf(at)
  return {
    mix: reached('mapping') ? withPortMapping(population.mix, population.mappable) : population.mix,
    ways: { punching: reached('punching'), portPrediction: reached('birthday'), birthday: reached('birthday'), tcpOpen: reached('birthday') },
    ipv6: reached('ipv6') ? population.ipv6 : 0
  }
}

export function withPortMapping (mix: NatMix, mappable: number): NatMix {
  const mapped = { ...mix }
  for (const nat of ['endpoint-independent', 'port-restricted', 'udp-blocked'] as const) {
    mapped[nat] -= mix[nat] * mappable
    mapped.public += mix[nat] * mappable
  }
  return mapped
}

/**
 * The share of requests that no choice among `providers` independent providers brings to a direct path.
 *
 * @param punchSuccess of the pairs that can be punched in principle, those for which it works
 */
export function relayedShare ({ mix, ways, ipv6 }: Traversal, providers: number, punchSuccess: number): number {
  const classes = Object.entries(mix) as Array<[NatClass, number]>
  let relayed = 0
  for (const [caller, weight] of classes) {
    let fails = 0
    for (const [provider, share] of classes) {
      fails += share * (1 - directShare(caller, provider, ways, punchSuccess))
    }
    // a caller with IPv6 fails with a provider that has none or where all else fails too
    relayed += weight * (ipv6 * (fails * (1 - ipv6)) ** providers + (1 - ipv6) * fails ** providers)
  }
  return relayed
}

function directShare (caller: NatClass, provider: NatClass, ways: Traversal['ways'], punchSuccess: number): number {
  if (canDial(caller, provider) || (ways.punching && canDial(provider, caller))) {
    return 1
  }
  return canPunch(caller, provider, ways) ? punchSuccess : 0
}
