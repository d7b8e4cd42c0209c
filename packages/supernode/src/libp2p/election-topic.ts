/** The topic on which volunteers of a region speak: what is said there is checked, in the order it came, before a board hears of it. */
import { BoundedMap, TokenBucket } from '@skein/core'
import {
  MAX_CANDIDACY_BYTES, MAX_LEASE_BYTES, MAX_REPORT_BYTES, openSuperNodeCandidacy, openSuperNodeLease, openSuperNodeReport
} from '@skein/records'
import { ElectionNotice } from '../pb/election-notice.ts'
import type { ElectorRules } from '../elector-rules.ts'
import type { Clock, Topic, TopicMessage, Topics, TopicVerdict } from '@skein/core'
import type { SignedSuperNodeLease, SuperNodeCandidacy, SuperNodeReport } from '@skein/records'

/** The topic of a region, and the name under which its electors announce themselves. */
export function electionTopic (region: string): string {
  return `/skein/supernode/1/${region}`
}

export interface ElectionTopicInit {
  topics: Topics
  region: string
  rules: ElectorRules
  clock: Clock
  /** Whether it is known as a volunteer: others say nothing but that they are one */
  isVolunteer: (peer: string) => boolean
  onCandidacy: (candidacy: SuperNodeCandidacy) => void
  onReport: (report: SuperNodeReport) => void
  onLease: (signed: SignedSuperNodeLease) => void
  /** Who publishes what it did not sign, or what is no record */
  onOffence: (peer: string, error: unknown) => void
  onPeers: () => void
}

type Kind = 'candidacy' | 'report' | 'lease'

const KINDS: readonly Kind[] = ['candidacy', 'report', 'lease']
const MAX_BYTES: Record<Kind, number> = { candidacy: MAX_CANDIDACY_BYTES, report: MAX_REPORT_BYTES, lease: MAX_LEASE_BYTES }
/** A lease, and what is around it. */
const MAX_NOTICE_BYTES = MAX_LEASE_BYTES + 16
/** 420 candidacies, reports and leases each hour of each of 60 volunteers are 0.5 a second; a thousand volunteers say 8. */
const MESSAGES_PER_SECOND = 1
/** Whose signatures are being checked; what comes when there are as many is passed over, and said again. */
const MAX_OPENING = 128
const MAX_SPEAKERS = 4096
/** A volunteer says this much at once: its reports, again. */
const SAYINGS_AT_ONCE = 96

export class ElectionTopic {
  private readonly init: ElectionTopicInit
  private readonly rates = new BoundedMap<string, TokenBucket>({ maxSize: MAX_SPEAKERS })
  private topic?: Topic
  private opening = 0
  private tail: Promise<void> = Promise.resolve()

  constructor (init: ElectionTopicInit) {
    this.init = init
  }

  get subscribers (): string[] {
    return this.topic?.subscribers ?? []
  }

  join (): void {
    this.topic = this.init.topics.join(electionTopic(this.init.region), {
      maxBytes: MAX_NOTICE_BYTES,
      messagesPerSecond: MESSAGES_PER_SECOND,
      validate: message => this.verdict(message),
      onMessage: message => { this.receive(message) },
      onPeers: this.init.onPeers
    })
  }

  leave (): void {
    try {
      this.topic?.leave()
    } catch {
      // those that gossip have stopped already, and have left all topics with that
    }
    this.topic = undefined
  }

  /** Resolves when it was handed on, or there is nobody. */
  async publish (kind: Kind, envelope: Uint8Array): Promise<void> {
    await this.topic?.publish(ElectionNotice.encode({ [kind]: Uint8Array.from(envelope) }))
  }

  private verdict ({ from, data }: TopicMessage): TopicVerdict {
    const notice = decoded(data)
    if (notice === undefined || notice.envelope.length > MAX_BYTES[notice.kind]) {
      return 'reject'
    }
    const isHeard = notice.kind === 'candidacy' || this.init.isVolunteer(from)
    return isHeard && this.opening < MAX_OPENING && this.rate(from).take(1, this.init.clock.nowMs()) ? 'accept' : 'ignore'
  }

  private receive ({ from, data }: TopicMessage): void {
    const notice = decoded(data)
    if (notice === undefined || this.opening >= MAX_OPENING) {
      return
    }
    this.opening++
    // one after the other: a volunteer's first report must not overtake its candidacy
    this.tail = this.tail.then(async () => {
      try {
        await this.open(notice, from)
      } catch (error) {
        this.init.onOffence(from, error)
      } finally {
        this.opening--
      }
    })
  }

  private async open ({ kind, envelope }: Notice, from: string): Promise<void> {
    const nowMs = this.init.clock.nowMs()
    if (kind === 'candidacy') {
      const { candidacy } = await openSuperNodeCandidacy(envelope, nowMs)
      checkSigner(candidacy.peer, from)
      this.init.onCandidacy(candidacy)
    } else if (kind === 'report') {
      const { report } = await openSuperNodeReport(envelope, nowMs)
      checkSigner(report.verifier, from)
      this.init.onReport(report)
    } else {
      const signed = await openSuperNodeLease(envelope, nowMs)
      checkSigner(signed.lease.peer, from)
      this.init.onLease(signed)
    }
  }

  private rate (peer: string): TokenBucket {
    const { rules, clock } = this.init
    const ratePerSecond = 1000 * SAYINGS_AT_ONCE / Math.min(rules.repeatMs, 8 * rules.candidacyMs)
    const bucket = this.rates.touch(peer) ?? new TokenBucket({ ratePerSecond, burst: SAYINGS_AT_ONCE }, clock.nowMs())
    this.rates.set(peer, bucket)
    return bucket
  }
}

interface Notice {
  kind: Kind
  envelope: Uint8Array
}

/** `undefined` for what is not one record. */
function decoded (data: Uint8Array): Notice | undefined {
  try {
    const notice = ElectionNotice.decode(data)
    const given = KINDS.filter(kind => notice[kind].length > 0)
    const [kind] = given
    return kind === undefined || given.length > 1 ? undefined : { kind, envelope: notice[kind] }
  } catch {
    return undefined
  }
}

function checkSigner (signer: string, from: string): void {
  if (signer !== from) {
    throw new Error(`${from} published what ${signer} signed`)
  }
}
