/**
 * Which of a peer's addresses are dialled, in which order, and which not: a peer can name addresses of somebody else, and who dials them must not be
 * its weapon. An address whose host it was seen at is dialled; for any other it has to send more first than a dial costs (AutoNAT v2,
 * "Amplification Attack Prevention"), as it does when it is measured. Without anything that it sent, one address of IPv4 and one of IPv6 are tried:
 * that is what everybody does who hears of a peer.
 */

/**
 * - `not_public`: no IP address that strangers can be reached at, a circuit, or a name, whose owner chooses where it leads
 * - `too_many`: beyond the eighth
 * - `unpaid`: of another host than the peer was seen at, and it did not send what dials cost
 * - `limited`: its network was dialled often enough
 * - `failed`: nobody answered there, or somebody else
 */
export type DialRefusal = 'not_public' | 'too_many' | 'unpaid' | 'limited' | 'failed'

export interface DialQueueInit {
  /** Multiaddr texts, with the peer's id or without; the best first */
  addresses: readonly string[]
  peer: string
  /** Hosts that it is connected from now, not through a relay */
  observed: readonly string[]
  /** Whether an address may be dialled at all */
  allows: (address: string) => boolean
  /** Whether one address of each family is tried without any proof */
  triesUnpaid: boolean
}

export interface QueuedDial {
  /** Without the peer's id */
  address: string
  host: string
}

export const MAX_DIALLED_ADDRESSES = 8
/** What a peer sends for one dial of an address that may be somebody else's, bytes; the amount that AutoNAT v2 asks for at most. */
export const DIAL_PRICE_BYTES = 100_000
const MAX_ADDRESS_CHARS = 256

interface Waiting extends QueuedDial {
  family: string
}

export class DialQueue {
  /** Of addresses, without the peer's id */
  readonly refused = new Map<string, DialRefusal>()
  private waiting: Waiting[]
  private readonly proven: Set<string>
  private readonly tried = new Set<string>()
  private readonly triesUnpaid: boolean
  private credit = 0

  constructor (init: DialQueueInit) {
    this.proven = new Set(init.observed)
    this.triesUnpaid = init.triesUnpaid
    const all = [...new Set(init.addresses.map(address => withoutPeer(address, init.peer)))]
    for (const address of all.slice(MAX_DIALLED_ADDRESSES)) {
      this.refused.set(address, 'too_many')
    }
    this.waiting = all.slice(0, MAX_DIALLED_ADDRESSES).flatMap(address => {
      const host = dialledHost(address)
      if (host === undefined || !init.allows(address)) {
        this.refused.set(address, 'not_public')
        return []
      }
      return [{ address, ...host }]
    })
  }

  /** The next to dial. When there is none, what is left is refused. */
  next (): QueuedDial | undefined {
    const at = this.indexOfNext()
    const [dial] = at === -1 ? [] : this.waiting.splice(at, 1)
    if (dial === undefined) {
      for (const { address } of this.waiting) {
        this.refused.set(address, 'unpaid')
      }
      this.waiting = []
      return undefined
    }
    if (!this.proven.has(dial.host)) {
      if (this.isFreeTry(dial)) {
        this.tried.add(dial.family)
      } else {
        this.credit -= DIAL_PRICE_BYTES
      }
    }
    return { address: dial.address, host: dial.host }
  }

  /** It was there: the host is the peer's. */
  onReached ({ host }: QueuedDial): void {
    this.proven.add(host)
  }

  onRefused ({ address }: QueuedDial, why: DialRefusal): void {
    this.refused.set(address, why)
  }

  /** The peer sent so much to this node. */
  onPaid (bytes: number): void {
    this.credit += bytes
  }

  /** What it would have to send for all that is waiting, bytes. */
  get price (): number {
    return this.waiting.filter(({ host }) => !this.proven.has(host)).length * DIAL_PRICE_BYTES
  }

  private indexOfNext (): number {
    const rules: Array<(dial: Waiting) => boolean> = [
      ({ host }) => this.proven.has(host), dial => this.isFreeTry(dial), () => this.credit >= DIAL_PRICE_BYTES
    ]
    return rules.map(rule => this.waiting.findIndex(rule)).find(at => at !== -1) ?? -1
  }

  private isFreeTry ({ family }: Waiting): boolean {
    return this.triesUnpaid && !this.tried.has(family)
  }
}

/** The IP address that a direct multiaddr leads to, and its family; `undefined` for a circuit, a name, or no address. */
export function dialledHost (address: string): { host: string, family: string } | undefined {
  const [, family, host] = /^\/(ip4|ip6)\/([0-9a-fA-F.:]+)\/tcp\/\d+(?:\/|$)/.exec(address) ?? []
  if (family === undefined || host === undefined || address.includes('/p2p-circuit') || address.length > MAX_ADDRESS_CHARS) {
    return undefined
  }
  return { host: host.toLowerCase(), family }
}

export function withoutPeer (address: string, peer: string): string {
  const suffix = `/p2p/${peer}`
  return address.endsWith(suffix) ? address.slice(0, -suffix.length) : address
}
