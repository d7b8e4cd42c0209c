/** Whom this peer trusts: its ledger, and the networks in which it saw others. */
import { BoundedMap } from '@skein/core'
import { seenAddress } from '@skein/records'
import { HONESTY_SERVICE, ReputationLedger } from '@skein/reputation'
import { trustCost } from './trust-cost.ts'
import type { NetworkLookup } from './network-lookup.ts'
import type { PeerReceipts } from './peer-receipts.ts'
import type { ProviderTrust } from './trust-cost.ts'
import type { Connection, Libp2p } from '@libp2p/interface'
import type { Clock } from '@skein/core'
import type { VerifiedNetwork } from '@skein/records'
import type { Explanation } from '@skein/reputation'

export interface PeerTrustInit {
  libp2p: Pick<Libp2p, 'peerId' | 'addEventListener' | 'removeEventListener'>
  networkOf: NetworkLookup
  /** Not there when reputation is turned off */
  receipts?: PeerReceipts
  clock: Clock
}

/** Peers whose network is remembered. */
const MAX_NETWORKS = 10_000

export class PeerTrust {
  readonly ledger: ReputationLedger
  private readonly init: PeerTrustInit
  private readonly networks = new BoundedMap<string, VerifiedNetwork>({ maxSize: MAX_NETWORKS })

  constructor (init: PeerTrustInit) {
    this.init = init
    this.ledger = new ReputationLedger({
      self: init.libp2p.peerId.toString(),
      networkOf: peer => {
        const network = this.networks.get(peer)
        return network === undefined ? undefined : network.system === undefined ? network.wide : `AS${network.system}`
      }
    })
  }

  start (): void {
    this.init.libp2p.addEventListener('connection:open', this.onConnection)
  }

  /** Receipts that are being offered have half a second. */
  async stop (): Promise<void> {
    this.init.libp2p.removeEventListener('connection:open', this.onConnection)
    await this.receipts?.stop()
  }

  /** The receipts that this peer exchanges; `undefined` when reputation is turned off. */
  get receipts (): PeerReceipts | undefined {
    return this.init.receipts
  }

  /** Where a peer was connected from or to; not known of those behind a relay, whose network a circuit's address does not tell. */
  networkOf (peer: string): VerifiedNetwork | undefined {
    return this.networks.get(peer)
  }

  /** What is thought of a provider of a service: `inference`, `relay`. */
  of (peer: string, service: string): ProviderTrust {
    const { ledger, init: { clock } } = this
    const nowMs = clock.nowMs()
    const dealings = ledger.dealings(peer, service)
    const newcomer = ledger.newcomerScore(peer, nowMs)
    return {
      newcomer,
      score: dealings === undefined ? newcomer : ledger.score(peer, service, nowMs),
      dealings: dealings ?? 0,
      ...ledger.dealings(peer, HONESTY_SERVICE) === undefined ? {} : { honesty: ledger.score(peer, HONESTY_SERVICE, nowMs) }
    }
  }

  /** Why it is thought of so, and what is known of its honesty. */
  explain (peer: string, service: string): Explanation[] {
    const { ledger, init: { clock } } = this
    const nowMs = clock.nowMs()
    return [
      ledger.explain(peer, service, nowMs),
      ...ledger.dealings(peer, HONESTY_SERVICE) === undefined ? [] : [ledger.explain(peer, HONESTY_SERVICE, nowMs)]
    ]
  }

  /** Whether it is known to fail or to lie: it is used when there is nobody else. */
  isDistrusted (peer: string, service: string): boolean {
    const { ledger } = this
    const isKnown = ledger.dealings(peer, service) !== undefined || ledger.dealings(peer, HONESTY_SERVICE) !== undefined
    return isKnown && trustCost(this.of(peer, service)).distrusted
  }

  /** The same order, but that those known to fail or to lie come last. */
  inOrder<P extends { peer: string }> (providers: readonly P[], service: string): P[] {
    const distrusted = new Set(providers.filter(({ peer }) => this.isDistrusted(peer, service)))
    return [...providers.filter(provider => !distrusted.has(provider)), ...distrusted]
  }

  /** 0 to 1; `undefined` of one whose word was never doubted nor tested. */
  honesty (peer: string): number | undefined {
    const { ledger, init: { clock } } = this
    return ledger.dealings(peer, HONESTY_SERVICE) === undefined ? undefined : ledger.score(peer, HONESTY_SERVICE, clock.nowMs())
  }

  /** 0 to 1 */
  score (peer: string, service: string): number {
    return this.ledger.score(peer, service, this.init.clock.nowMs())
  }

  private readonly onConnection = ({ detail }: CustomEvent<Pick<Connection, 'remotePeer' | 'remoteAddr' | 'limits'>>): void => {
    const address = seenAddress(detail)
    const network = address === undefined ? undefined : this.init.networkOf(address)
    if (network !== undefined) {
      this.networks.set(detail.remotePeer.toString(), network)
    }
  }
}
