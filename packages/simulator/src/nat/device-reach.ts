/**
 * What a device of a population can do to reach others and be reached: what it says of itself, by which `pairWays` of @skein/reachability chooses,
 * and which of the ways really work between two devices, by what was found between networks made for the purpose (docs/nat-matrix.md).
 */
import type { DirectWay, Reach } from '@skein/reachability'
import type { NatClass } from '../engine/nat.ts'
import type { RandomStream } from '../engine/random-stream.ts'
import type { NatMix, NatPopulation } from './nat-mix.ts'

export interface Device {
  nat: NatClass
  /** Its router maps a port for it, so that anybody can dial it */
  isMapped: boolean
  /** It has IPv6 that its firewall lets in */
  hasIPv6: boolean
}

/** What the peers of a network have beside what each of them has. */
export interface DeviceSkills {
  portMapping: boolean
  webrtc: boolean
}

/** Some of them. */
export function isMappable (nat: NatClass): boolean {
  return nat === 'endpoint-independent' || nat === 'port-restricted' || nat === 'udp-blocked'
}

/** @param entity a device's number in the stream; it takes the counters 0 to 2 */
export function drawDevice ({ mix, mappable, ipv6 }: NatPopulation, { portMapping }: DeviceSkills, random: RandomStream, entity: number): Device {
  const nat = drawClass(mix, random.float(entity, 0))
  return {
    nat,
    isMapped: portMapping && isMappable(nat) && random.float(entity, 1) < mappable,
    hasIPv6: random.float(entity, 2) < ipv6
  }
}

function drawClass (mix: NatMix, share: number): NatClass {
  const classes = Object.entries(mix) as Array<[NatClass, number]>
  let below = 0
  return classes.find(([, weight]) => share < (below += weight))?.[0] ?? (classes.findLast(([, weight]) => weight > 0) as [NatClass, number])[0]
}

/** Anybody who has IPv4 can dial it. */
function isOpen ({ nat, isMapped }: Device): boolean {
  return nat === 'public' || isMapped
}

/** A public address is among those that it tells. */
export function hasPublicAddress (device: Device): boolean {
  return isOpen(device) || device.hasIPv6
}

const VERDICTS: Record<NatClass, NonNullable<Reach['nat']>> = {
  public: { mapping: 'none', filtering: 'open' },
  'endpoint-independent': { mapping: 'endpoint-independent', filtering: 'open' },
  'port-restricted': { mapping: 'endpoint-independent', filtering: 'port' },
  'symmetric-sequential': { mapping: 'sequential', filtering: 'port' },
  'symmetric-random': { mapping: 'random', filtering: 'port' },
  'udp-blocked': { mapping: 'blocked' }
}

/** What it tells others that it can do: one word for all addresses, as a peer does not know which of them another can use. */
export function reachOf (device: Device, { webrtc }: DeviceSkills): Reach {
  return { dialable: hasPublicAddress(device), tcp: true, webrtc, nat: VERDICTS[device.nat] }
}

export function canDialDevice (from: Device, to: Device): boolean {
  return isOpen(to) || (from.hasIPv6 && to.hasIPv6)
}

/**
 * Whether a way brings one device to another.
 *
 * @param isLucky whether the pair is one of those between which punches work where they can: over the Internet not all are, and a pair fails nearly
 *   always that failed once
 */
export function wayWorks (way: DirectWay, self: Device, other: Device, isLucky: boolean): boolean {
  const symmetric = [self, other].filter(isSymmetric)
  switch (way) {
    case 'dial':
      return canDialDevice(self, other)
    case 'reverse':
      return canDialDevice(other, self)
    case 'tcp-punch':
      return isLucky && (symmetric.length === 0 || (symmetric.length === 1 && symmetric[0]?.nat === 'symmetric-sequential'))
    case 'webrtc': {
      const met = symmetric[0] === self ? other : self
      return isLucky && self.nat !== 'udp-blocked' && other.nat !== 'udp-blocked' && (symmetric.length === 0 ||
        (symmetric.length === 1 && (met.nat === 'public' || met.nat === 'endpoint-independent')))
    }
  }
}

/** Whether nothing but a relay connects two devices, whatever is tried. */
export function isRelayOnly (self: Device, other: Device, isLucky: boolean, { webrtc }: DeviceSkills): boolean {
  const ways: DirectWay[] = ['dial', 'reverse', 'tcp-punch', ...webrtc ? ['webrtc' as const] : []]
  return !ways.some(way => wayWorks(way, self, other, isLucky))
}

function isSymmetric ({ nat }: Device): boolean {
  return nat.startsWith('symmetric')
}
