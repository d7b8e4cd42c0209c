/** Signs and publishes what an elector says, in order: the mark of a lease is kept before the lease is signed. */
import { signSuperNodeCandidacy, signSuperNodeLease, signSuperNodeReport } from '@skein/records'
import type { FenceMark, TermLease } from '../super-node-term.ts'
import type { ElectionTopic } from './election-topic.ts'
import type { SuperNodeServiceInit } from './super-node-init.ts'
import type { Clock } from '@skein/core'
import type { SignedSuperNodeLease, SuperNodeCandidacy, SuperNodeLease, SuperNodeReport, VerifiedNetwork } from '@skein/records'

export interface ElectionScribeInit extends Pick<SuperNodeServiceInit, 'region' | 'privateKey' | 'candidacy' | 'networkOf' | 'marks'> {
  self: string
  clock: Clock
  topic: ElectionTopic
  /** Of a candidacy */
  lifeMs: number
  /** The networks in which this peer was reached by others */
  ownNetworks: () => readonly VerifiedNetwork[]
  /** Signed, and about to be published */
  onCandidacy: (candidacy: SuperNodeCandidacy) => void
  onLease: (signed: SignedSuperNodeLease) => void
  /** Its mark could not be kept, or it could not be signed */
  onLeaseFailed: (error: unknown) => void
}

/** To be signed and published; what is more is not, and comes again. */
const MAX_WAITING = 256
const MAX_ADDRESSES = 8
const MAX_NETWORKS = 4

export class ElectionScribe {
  private readonly init: ElectionScribeInit
  private saved?: FenceMark
  private seq = 0
  private waiting = 0
  private tail: Promise<void> = Promise.resolve()
  /** The lease that was signed last */
  lease?: SuperNodeLease

  constructor (init: ElectionScribeInit) {
    this.init = init
  }

  /** What was kept when the node was last up. */
  onMark (mark: FenceMark | undefined): void {
    this.saved = mark
  }

  sayCandidacy (withdrawn: boolean): void {
    this.enqueue(async () => { await this.publishCandidacy(withdrawn) })
  }

  sayReport (report: SuperNodeReport): void {
    this.enqueue(async () => {
      const { envelope } = await signSuperNodeReport(report, this.init.privateKey)
      await this.init.topic.publish('report', envelope)
    })
  }

  keepMark (mark: FenceMark): void {
    this.enqueue(async () => {
      await this.init.marks.save(mark)
      this.saved = mark
    }, this.init.onLeaseFailed)
  }

  signLease (held: TermLease): void {
    this.enqueue(async () => { await this.publishLease(held) }, this.init.onLeaseFailed)
  }

  /** Resolves when all that was to be said is said. */
  async idle (): Promise<void> {
    await this.tail
  }

  private async publishCandidacy (withdrawn: boolean): Promise<void> {
    const { self, region, privateKey, candidacy, networkOf, clock, lifeMs, topic, onCandidacy } = this.init
    const { addresses, claimedBytesPerSecond, roles } = candidacy()
    const issuedAtMs = Math.floor(clock.nowMs())
    // the wall clock's milliseconds grow over restarts too
    this.seq = Math.max(this.seq + 1, issuedAtMs)
    const said: SuperNodeCandidacy = {
      peer: self, region, seq: this.seq, roles, addresses: addresses.slice(0, MAX_ADDRESSES),
      networks: addresses.flatMap(address => networkOf(address) ?? []).slice(0, MAX_NETWORKS), claimedBytesPerSecond,
      issuedAtMs, expiresAtMs: issuedAtMs + lifeMs, withdrawn
    }
    const { envelope } = await signSuperNodeCandidacy(said, privateKey)
    onCandidacy(said)
    await topic.publish('candidacy', envelope)
  }

  private async publishLease (held: TermLease): Promise<void> {
    const { self, region, privateKey, candidacy, ownNetworks, topic, onLease } = this.init
    if ((this.saved?.fence ?? 0) < held.fence) {
      return // its mark was not kept: after a crash the same number would be signed again
    }
    const { addresses, roles, quota = {} } = candidacy()
    const lease: SuperNodeLease = {
      ...held, peer: self, region, roles, addresses: addresses.slice(0, MAX_ADDRESSES), networks: ownNetworks().slice(0, MAX_NETWORKS), quota
    }
    const signed = await signSuperNodeLease(lease, privateKey)
    this.lease = lease
    onLease(signed)
    await topic.publish('lease', signed.envelope).catch(() => {})
  }

  private enqueue (task: () => Promise<void>, onFailure: (error: unknown) => void = () => {}): void {
    if (this.waiting >= MAX_WAITING) {
      onFailure(new Error(`${MAX_WAITING} notices wait to be published`))
      return
    }
    this.waiting++
    this.tail = this.tail.then(task).catch(onFailure).finally(() => { this.waiting-- })
  }
}
