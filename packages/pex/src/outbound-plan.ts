/**
 * Whom a node dials after a restart: first its anchors, peers it was connected to before, then addresses that it was connected to once ("tried") and
 * such as it only heard of ("new"), from as many networks as it makes connections (E. Heilman et al., "Eclipse Attacks on Bitcoin's Peer-to-Peer
 * Network", USENIX Security 2015, §7).
 */

export type AddressSource = 'anchor' | 'tried' | 'new'

export interface OutboundRule {
  /** Connections to make. @default 8 */
  outbound?: number
  /** Most in one /16. @default 1 */
  perNetwork?: number
  /** Of those to make, so many by anchors. @default 2 */
  anchors?: number
  /** Of those to make, so many to tried addresses as long as there are any. @default 4 */
  tried?: number
}

/** Addresses that were not dialled yet. */
export type AddressesLeft = Record<AddressSource, number>

/** What stands for a /16: its text, or its number in a simulation. */
export type NetworkKey = string | number

export class OutboundPlan {
  private readonly rule: Required<OutboundRule>
  private readonly networks = new Map<NetworkKey, number>()
  private readonly made: Record<AddressSource, number> = { anchor: 0, tried: 0, new: 0 }

  constructor (rule: OutboundRule = {}) {
    this.rule = { outbound: rule.outbound ?? 8, perNetwork: rule.perNetwork ?? 1, anchors: rule.anchors ?? 2, tried: rule.tried ?? 4 }
  }

  /** Connections that stand or are being made. */
  get size (): number {
    return this.made.anchor + this.made.tried + this.made.new
  }

  /** Connections to make. */
  get wanted (): number {
    return this.rule.outbound
  }

  /** As many as are wanted stand or are being made. */
  get isFull (): boolean {
    return this.size >= this.rule.outbound
  }

  /** From where to take the next address; `undefined` when enough connections stand, or nothing is left. */
  next (left: AddressesLeft): AddressSource | undefined {
    const { anchor, tried } = this.made
    if (this.isFull) {
      return undefined
    }
    const order: AddressSource[] = anchor < this.rule.anchors
      ? ['anchor', 'tried', 'new']
      : tried < this.rule.tried ? ['tried', 'new'] : ['new', 'tried']
    return order.find(source => left[source] > 0)
  }

  /** Whether an address in this /16 may be dialled. */
  admits (network: NetworkKey): boolean {
    return (this.networks.get(network) ?? 0) < this.rule.perNetwork
  }

  /** `networks` are those of the peer; none for one at home, which no rule of networks speaks of. */
  onConnected (source: AddressSource, ...networks: NetworkKey[]): void {
    this.made[source]++
    for (const network of networks) {
      this.networks.set(network, (this.networks.get(network) ?? 0) + 1)
    }
  }

  /** Takes back an `onConnected` with the same arguments. */
  onClosed (source: AddressSource, ...networks: NetworkKey[]): void {
    this.made[source]--
    for (const network of networks) {
      const left = (this.networks.get(network) ?? 0) - 1
      if (left > 0) {
        this.networks.set(network, left)
      } else {
        this.networks.delete(network)
      }
    }
  }
}
