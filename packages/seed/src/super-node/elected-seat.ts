/** The seat of a super-node that takes part in elections: `SuperNodeService`, with what this node measures, knows and trusts. */
import { clusterRegion, publicNetwork } from '@skein/peer'
import { ELECTOR_RULES } from '@skein/supernode'
import { SuperNodeService } from '@skein/supernode/libp2p'
import { electorRendezvous } from './elector-rendezvous.ts'
import type { PrivateKey } from '@libp2p/interface'
import type { Clock } from '@skein/core'
import type { NetworkLookup, Peer } from '@skein/peer'
import type { ElectionVerdict } from '@skein/supernode'
import type { DialBackService, FenceMarks, SessionIngest, SuperNodeServiceInit, VolunteerOffer } from '@skein/supernode/libp2p'
import type { Seat } from './seat.ts'

/** What electors of a region agree on, and what shortens time in tests. */
export type ElectionOptions = Pick<SuperNodeServiceInit, 'beaconOf' | 'electorRules' | 'graceMs' | 'leaseMs' | 'rules'>

export interface ElectedSeatInit {
  peer: Peer
  privateKey: PrivateKey
  dialBack: Pick<DialBackService, 'verify'>
  region: string
  networkOf?: NetworkLookup
  candidacy: () => VolunteerOffer
  marks: FenceMarks
  /** What carries streams of sessions @default none */
  sessions?: SessionIngest
  options: ElectionOptions
  clock: Clock
  /** `state` may have changed */
  onChange: () => void
  /** A lease could not be signed */
  onProblem: (message: string) => void
}

export class ElectedSeat implements Seat {
  readonly service: SuperNodeService
  private readonly peer: string
  private willing = true

  /** @throws {Error} without gossip, over which volunteers hear of each other */
  constructor (init: ElectedSeatInit) {
    const { peer, clock, dialBack, networkOf = publicNetwork, region, privateKey, candidacy, marks, sessions, options } = init
    const { topics } = peer
    if (topics === undefined) {
      throw new Error('A super-node takes part in gossip')
    }
    this.peer = peer.id
    this.service = new SuperNodeService({
      ...options,
      libp2p: peer.libp2p,
      topics,
      privateKey,
      region: clusterRegion(region),
      volunteer: true,
      candidacy,
      verify: async (candidate, addresses, signal) => await dialBack.verify(candidate, addresses, signal),
      scoreOf: (candidate, service) => scoreOf(peer, candidate, service, options.electorRules?.minDealings ?? ELECTOR_RULES.minDealings),
      networkOf,
      networkOfPeer: candidate => peer.trust.networkOf(candidate),
      peersOfRegion: () => peersOfRegion(peer),
      marks,
      sessions,
      rendezvous: electorRendezvous(peer.libp2p.services.routing, peer.libp2p.logger.forComponent('skein:super-node')),
      clock
    })
    this.service.addEventListener('state:changed', init.onChange)
    this.service.addEventListener('lease:failed', ({ detail: { error } }) => {
      init.onProblem(`no lease was signed, so it gives its seat back and tries again in a minute: ${(error as Error).message}`)
    })
  }

  get state (): Seat['state'] {
    return this.service.state
  }

  get lease (): Seat['lease'] {
    return this.service.lease
  }

  explain (): ElectionVerdict | undefined {
    return this.service.explain(this.peer)?.verdict
  }

  /** Whether this elector knows it as a volunteer of its region. */
  isVolunteer (peer: string): boolean {
    return this.service.explain(peer) !== undefined
  }

  async start (): Promise<void> {
    await this.service.start()
    if (!this.willing) {
      await this.service.drain()
    }
  }

  setWilling (willing: boolean): void {
    if (willing !== this.willing) {
      this.willing = willing
      if (willing) {
        this.service.resume()
      } else {
        void this.service.drain()
      }
    }
  }

  async stop (): Promise<void> {
    await this.service.stop()
  }
}

/** Few good dealings say little; of one that failed or lied often enough to be used last by this peer, what is known is enough. */
function scoreOf ({ trust }: Peer, candidate: string, service: string, enough: number): { score: number, dealings: number } {
  const { score, dealings } = trust.of(candidate, service)
  return trust.isDistrusted(candidate, service) ? { score: 0, dealings: Math.max(dealings, enough) } : { score, dealings }
}

/** The cluster is one of 2^bits parts of the region that are about as large. */
function peersOfRegion ({ cluster }: Peer): number {
  const bits = cluster?.scope.split('/').at(-1)?.length ?? 0
  return Math.max(1, (cluster?.members ?? 0) * 2 ** bits)
}
