/** Which share of callers no choice among so many providers brings to anything but a relay: exactly, from the mix. */
import { NAT_CLASSES } from '../engine/nat.ts'
import { isMappable, isRelayOnly } from './device-reach.ts'
import type { Device, DeviceSkills } from './device-reach.ts'
import type { NatPopulation } from './nat-mix.ts'

/** @param punchSuccess of the pairs that can be punched in principle, those for which it works */
export function relayOnlyShare (population: NatPopulation, skills: DeviceSkills, providers: number, punchSuccess: number): number {
  const kinds = kindsOf(population, skills)
  return kinds.reduce((sum, { device, share }) => sum + share * kinds.reduce((fails, other) => fails + other.share *
    failShare(device, other.device, skills, punchSuccess), 0) ** providers, 0)
}

function failShare (self: Device, other: Device, skills: DeviceSkills, punchSuccess: number): number {
  return isRelayOnly(self, other, true, skills) ? 1 : isRelayOnly(self, other, false, skills) ? 1 - punchSuccess : 0
}

function kindsOf ({ mix, mappable, ipv6 }: NatPopulation, { portMapping }: DeviceSkills): Array<{ device: Device, share: number }> {
  return NAT_CLASSES.flatMap(nat => {
    const mapped = portMapping && isMappable(nat) ? mappable : 0
    return [true, false].flatMap(isMapped => [true, false].map(hasIPv6 => ({
      device: { nat, isMapped, hasIPv6 },
      share: mix[nat] * (isMapped ? mapped : 1 - mapped) * (hasIPv6 ? ipv6 : 1 - ipv6)
    })))
  }).filter(({ share }) => share > 0)
}
