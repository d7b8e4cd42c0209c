/** Turns the name of seeds into their addresses: dnsaddr records (github.com/multiformats/multiaddr, protocols/DNSADDR.md) or SRV (RFC 2782). */
import { shuffle } from '@skein/core'
import { hostName, isMultiaddr, parseDnsaddr } from './seed-address.ts'
import { SeedNameError } from './seed-name-error.ts'
import { srvOrder } from './srv-order.ts'
import type { Random } from '@skein/core'
import type { NameResolver, SrvRecord } from './name-resolver.ts'
import type { SeedName } from './seed-address.ts'

export interface FoundSeeds {
  /** In the order in which to try them */
  addresses: string[]
  /** The shortest of all answers that tell */
  ttlMs?: number
}

/** Names that stand for names: so many lookups deep. */
const MAX_DEPTH = 3
/** Names that are looked up for one. */
const MAX_LOOKUPS = 16
/** Addresses that one name may stand for; of more, so many at random. */
const MAX_ADDRESSES = 32
/** Records of one answer that are read. */
const MAX_RECORDS = 256

/** @throws {SeedNameError} when there is not one address */
export async function lookUpSeeds (seed: SeedName, resolver: NameResolver, random: Random, signal: AbortSignal): Promise<FoundSeeds> {
  const found = seed.kind === 'srv' ? await lookUpSrv(seed.owner, resolver, random, signal) : await lookUpDnsaddr(seed, resolver, random, signal)
  return { ...found, addresses: found.addresses.slice(0, MAX_ADDRESSES) }
}

async function lookUpSrv (owner: string, resolver: NameResolver, random: Random, signal: AbortSignal): Promise<FoundSeeds> {
  const { records, ttlMs } = await resolver.srv(owner, signal)
  const addresses = srvOrder(records.slice(0, MAX_RECORDS), random).flatMap(addressOf)
  if (addresses.length === 0) {
    throw new SeedNameError('no_addresses', owner, `The SRV records of ${owner} name no host with a port`)
  }
  return { addresses: [...new Set(addresses)], ttlMs }
}

/** A target of "." says that the service is not there. */
function addressOf ({ target, port }: SrvRecord): string[] {
  const host = hostName(target)
  return host === undefined || port === 0 ? [] : [`/dns/${host}/tcp/${port}`]
}

async function lookUpDnsaddr (
  seed: SeedName & { kind: 'dnsaddr' }, resolver: NameResolver, random: Random, signal: AbortSignal
): Promise<FoundSeeds> {
  const addresses = new Set<string>()
  const asked = new Set<string>()
  const ttlsMs: number[] = []
  let failure: unknown
  let names = [seed]
  for (let depth = 0; depth < MAX_DEPTH && names.length > 0; depth++) {
    const nested: Array<typeof seed> = []
    const fresh = names.filter(({ text }) => asked.size < MAX_LOOKUPS && !asked.has(text) && asked.add(text))
    // one that fails does not take the others with it
    await Promise.all(fresh.map(async ({ name, suffix }) => {
      try {
        const { records, ttlMs } = await resolver.txt(`_dnsaddr.${name}`, signal)
        if (ttlMs !== undefined) {
          ttlsMs.push(ttlMs)
        }
        const named = records.slice(0, MAX_RECORDS).flatMap(parseRecord).filter(({ address }) => address.endsWith(suffix))
        nested.push(...named.flatMap(({ name: other }) => other ?? []))
        named.filter(({ name: other }) => other === undefined).forEach(({ address }) => addresses.add(address))
      } catch (error) {
        failure ??= error
      }
    }))
    names = nested
  }
  if (addresses.size === 0) {
    throw failure ?? new SeedNameError('no_addresses', `_dnsaddr.${seed.name}`,
      `The TXT records of _dnsaddr.${seed.name} hold no "dnsaddr=…" with an address${seed.suffix === '' ? '' : ` that ends with ${seed.suffix}`}`)
  }
  return { addresses: shuffle(random, [...addresses].sort()), ttlMs: ttlsMs.length === 0 ? undefined : Math.min(...ttlsMs) }
}

/** What one TXT record says; nothing when it is about something else or is wrong. */
function parseRecord (text: string): Array<{ address: string, name?: SeedName & { kind: 'dnsaddr' } }> {
  const address = text.startsWith('dnsaddr=') ? text.slice('dnsaddr='.length) : ''
  if (!isMultiaddr(address)) {
    return []
  }
  try {
    return [{ address, name: parseDnsaddr(address) }]
  } catch {
    return []
  }
}
