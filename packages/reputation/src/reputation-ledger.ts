/**
 * The ledger of one peer: whom it trusts to deliver, by what it saw itself and, within caps, by what those who delivered to it say. Subjective: two
 * peers' ledgers need not agree. Pure state; time comes in with each call.
 */
import { RecordError } from '@skein/records'
import { HONESTY_SERVICE } from './duplicate-dispute.ts'
import { expectation, faded, withMore } from './evidence.ts'
import { reasonsOf, SHOWN_WITNESSES } from './explanation.ts'
import { shelfRecord, standingRecord, statementRecord } from './kept-record.ts'
import { LedgerChanges } from './ledger-changes.ts'
import { isServiceName, LedgerRecordError, MAX_SERVICE_CHARS } from './ledger-record.ts'
import { evidenceOf, serviceOf } from './receipt-evidence.ts'
import { ReceiptGuard } from './receipt-guard.ts'
import { ReceiptShelf } from './receipt-shelf.ts'
import { newStanding, pace, scoreLimit } from './standing.ts'
import { StandingBook } from './standing-book.ts'
import { probationEvidence, Strangers } from './strangers.ts'
import { receiptsToTell } from './told-receipts.ts'
import { twoHopFlow } from './two-hop-flow.ts'
import { pullsOf } from './witness-rule.ts'
import { WitnessStatements } from './witness-statements.ts'
import type { Evidence } from './evidence.ts'
import type { Explanation } from './explanation.ts'
import type { LedgerRecord } from './ledger-record.ts'
import type { Standing } from './standing.ts'
import type { Account, TrustGraph, Witness, WitnessPull, WitnessRule } from './witness-rule.ts'
import type { Receipt, ReceiptProof } from '@skein/records'

export interface ReputationLedgerInit {
  /** The peer that keeps it, as text */
  self: string
  /**
   * The network of a peer, as far as it is known: its autonomous system, else its /16. Witnesses of one network share a cap, those of unknown
   * networks too.
   *
   * @default nobody's network is known
   */
  networkOf?: (peer: string) => string | undefined
  /**
   * How the word of others is weighed (docs/adr/0010-whose-word-counts.md).
   *
   * @default twoHopFlow
   */
  rule?: WitnessRule
  /**
   * Whether newcomers are trusted less while newcomers fail. `fixed` trusts each with 0.2: it spares honest newcomers the suspicion, and makes a new
   * name worth having to a cheat.
   *
   * @default 'adaptive'
   */
  newcomers?: 'adaptive' | 'fixed'
  /**
   * Most peers, a quarter of them strangers; the one without news for longest gives way.
   *
   * @default 10_000
   */
  maxPeers?: number
  /** @default 1000 */
  maxWitnesses?: number
  /**
   * Most peers that one witness is heard about.
   *
   * @default 64
   */
  maxSubjects?: number
  /**
   * Most receipts kept to be shown, some 1 KB each.
   *
   * @default 4096
   */
  maxReceipts?: number
  /** @default 32 */
  maxReceiptsPerPeer?: number
}

/**
 * - `first-hand`, `second-hand`: it counts
 * - `kept`: of a delivery by this peer: it says nothing of the other, but can be shown
 * - `replayed`: counted before
 * - `expired`: its life is over
 * - `unsigned`: the consumer has not signed, whose word it would be; or praise that the provider has not signed
 * - `stranger`: of a witness that never delivered to this peer
 * - `about-self`: somebody else's dealings with this peer, or a word without content
 */
export type ReceiptVerdict = 'first-hand' | 'second-hand' | 'kept' | 'replayed' | 'expired' | 'unsigned' | 'stranger' | 'about-self'

/** What a witness complains of without the provider's signature counts half. */
const ONE_SIDED_WEIGHT = 0.5

/**
 * A forged signature is no bad luck, as a lost dispute may be: it is worth this many of those. One is enough to distrust a newcomer, two for one that
 * was found honest fifty times.
 */
const OFFENCE_FAILURES = 10

interface Assessment {
  own: Evidence | undefined
  newcomerScore: number
  expects: number
  pulls: WitnessPull[]
  pull: number
  target: number
}

export class ReputationLedger {
  readonly self: string
  readonly changes = new LedgerChanges()
  private readonly networkOf: (peer: string) => string | undefined
  private readonly rule: WitnessRule
  private readonly newcomers: 'adaptive' | 'fixed'
  private readonly strangers: Strangers
  private readonly book: StandingBook
  private readonly statements: WitnessStatements
  private readonly shelf: ReceiptShelf
  private readonly guard: ReceiptGuard

  constructor (init: ReputationLedgerInit) {
    const { maxPeers = 10_000, maxWitnesses = 1000, maxSubjects = 64, maxReceipts = 4096, maxReceiptsPerPeer = 32 } = init
    this.self = init.self
    this.networkOf = init.networkOf ?? (() => undefined)
    this.rule = init.rule ?? twoHopFlow
    this.newcomers = init.newcomers ?? 'adaptive'
    const { changes } = this
    this.strangers = new Strangers(network => { changes.deleted(`strangers/${network}`) })
    this.book = new StandingBook({ maxPeers, onForget: (peer, service) => { changes.deleted(`standing/${service}/${peer}`) } })
    this.statements = new WitnessStatements({
      maxWitnesses, maxSubjects, onForget: (witness, subject) => { changes.deleted(`statement/${subject}/${witness}`) }
    })
    this.shelf = new ReceiptShelf({ maxReceipts, maxPerPeer: maxReceiptsPerPeer, onForget: key => { changes.deleted(`receipt/${key}`) } })
    this.guard = new ReceiptGuard({ maxPairs: maxPeers })
  }

  /** Peers this one dealt with, or heard of */
  get size (): number {
    return this.book.size
  }

  /** Counts a receipt, whose signatures `openReceiptProof` has checked. */
  onReceipt (proof: ReceiptProof, nowMs: number): ReceiptVerdict {
    const { receipt } = proof
    const { provider, consumer } = receipt
    const more = evidenceOf(receipt)
    const praise = (more.good ?? 0) > 0
    if (receipt.expiresAtMs <= nowMs) {
      return 'expired'
    }
    if (provider !== this.self) {
      if (proof.byConsumer === undefined || (consumer !== this.self && praise && proof.byProvider === undefined)) {
        return 'unsigned'
      }
      if (consumer !== this.self && this.book.delivered(consumer, nowMs) <= 0) {
        return 'stranger'
      }
    } else if (proof.byProvider === undefined) {
      return 'about-self'
    }
    try {
      this.guard.accept(receipt)
    } catch (error) {
      if (error instanceof RecordError) {
        return 'replayed'
      }
      throw error
    }

    if (provider === this.self) {
      this.keep(consumer, proof)
      return 'kept'
    }
    if (consumer === this.self) {
      this.keep(provider, proof)
      this.onEvidence(provider, serviceOf(receipt), more, nowMs)
      return 'first-hand'
    }
    const weight = proof.byProvider === undefined ? ONE_SIDED_WEIGHT : 1
    this.hear(consumer, provider, serviceOf(receipt), { good: (more.good ?? 0) * weight, bad: (more.bad ?? 0) * weight }, nowMs)
    return 'second-hand'
  }

  /**
   * Counts what this peer saw itself: a dispute lost, a check passed. Each is worth one receipt.
   *
   * @throws {LedgerRecordError} when `service` is no name of a service
   */
  onEvidence (peer: string, service: string, more: { good?: number, bad?: number }, nowMs: number): void {
    if (!isServiceName(service)) {
      throw new LedgerRecordError('service', `has to be ${MAX_SERVICE_CHARS} small letters, digits and hyphens at most`)
    }
    const next = this.count(peer, service, more, nowMs)
    const probation = next === undefined || this.newcomers === 'fixed' ? undefined : probationEvidence(next, more)
    if (probation !== undefined) {
      for (const [network, evidence] of this.strangers.add(this.networkOf(peer), probation, nowMs)) {
        this.changes.put({ type: 'strangers', network, ...evidence })
      }
    }
  }

  /**
   * Counts against the honesty of a peer what no honest one does, such as a forged signature. It does not count against newcomers as a group: whoever
   * offends chose this peer, not the other way round, and with names that cost nothing could have all newcomers distrusted.
   */
  onOffence (peer: string, nowMs: number): void {
    this.count(peer, HONESTY_SERVICE, { bad: OFFENCE_FAILURES }, nowMs)
  }

  /** 0 to 1. The score falls at once and rises by 0.1 a day at most, so reading it takes it along. */
  score (peer: string, service: string, nowMs: number): number {
    const standing = this.book.get(peer, service)
    const { target } = this.assess(peer, service, standing, nowMs)
    return standing === undefined ? target : pace(standing, target, nowMs)
  }

  /** Receipts and other evidence of a peer that were counted; `undefined` when there were none and nobody spoke of it. */
  dealings (peer: string, service: string): number | undefined {
    return this.book.get(peer, service)?.counted
  }

  /** What a newcomer of the network of this peer would have, 0 to 1. */
  newcomerScore (peer: string, nowMs: number): number {
    return this.strangers.newcomerScore(this.networkOf(peer), nowMs)
  }

  explain (peer: string, service: string, nowMs: number): Explanation {
    const standing = this.book.get(peer, service)
    const { own, newcomerScore, expects, pulls, pull, target } = this.assess(peer, service, standing, nowMs)
    const limit = standing === undefined ? 1 : scoreLimit(standing, nowMs)
    const whole = {
      peer,
      service,
      score: this.score(peer, service, nowMs),
      newcomerScore,
      ...(standing === undefined || own === undefined
        ? {}
        : {
            firstHand: {
              good: own.good, bad: own.bad, counted: standing.counted, sinceMs: standing.sinceMs, lastMs: standing.evidence.atMs, expects
            }
          }),
      witnesses: pulls.toSorted((a, b) => Math.abs(b.pull) - Math.abs(a.pull)).slice(0, SHOWN_WITNESSES),
      pull,
      target,
      ...(target > limit ? { limit } : {})
    }
    return { ...whole, reasons: reasonsOf(whole, nowMs) }
  }

  /** What this peer can show of its dealings with another, the newest first. */
  receiptsWith (peer: string, nowMs: number): ReceiptProof[] {
    return this.shelf.with(peer, nowMs)
  }

  /** What this peer tells `asker` of others, the freshest of each first; 64 at most. */
  receiptsToTell (asker: string, maxReceipts: number, nowMs: number): ReceiptProof[] {
    return receiptsToTell(this.shelf.values().map(({ proof }) => proof), this.self, asker, maxReceipts, nowMs)
  }

  /** Whether it was counted before, or would not be: its signatures are not worth a look. */
  hasSeen (receipt: Receipt): boolean {
    return this.guard.hasSeen(receipt)
  }

  /** Whether the word of a peer counts: it has delivered more than it failed in. */
  isWitness (peer: string, nowMs: number): boolean {
    return this.book.delivered(peer, nowMs) > 0
  }

  /** Each peer and service that there is a standing of. */
  * standings (): IterableIterator<{ peer: string, service: string }> {
    for (const [peer, { service }] of this.book.entries()) {
      yield { peer, service }
    }
  }

  /** Drops receipts that have expired; call now and then. */
  onTimeout (nowMs: number): void {
    this.shelf.sweep(nowMs)
  }

  /** All that is worth keeping over a restart. */
  * records (): IterableIterator<LedgerRecord> {
    for (const [network, evidence] of this.strangers.entries()) {
      yield { type: 'strangers', network, ...evidence }
    }
    for (const [peer, standing] of this.book.entries()) {
      yield standingRecord(peer, standing)
    }
    for (const [witness, subject, evidence] of this.statements.entries()) {
      yield statementRecord(witness, subject, evidence)
    }
    for (const { peer, proof } of this.shelf.values()) {
      yield shelfRecord(peer, proof)
    }
  }

  /**
   * Takes in what was kept, before any other call. Receipts issued before the newest of it count as seen: which ones were is not kept. Receipts to
   * show come with `restoreReceipt`, as their signatures have to be checked.
   */
  restore (records: Iterable<LedgerRecord>, nowMs: number): void {
    for (const record of records) {
      if (record.type === 'receipt') {
        continue
      }
      // a clock that was ahead when it was kept would hold evidence fresh
      const evidence = { good: record.good, bad: record.bad, atMs: Math.min(record.atMs, nowMs) }
      this.guard.raiseFloor(evidence.atMs)
      switch (record.type) {
        case 'standing': {
          const { peer, service, score, sinceMs, counted } = record
          this.book.set(peer, { service, evidence, score, scoredMs: Math.min(record.scoredMs, nowMs), sinceMs, counted }, nowMs)
          break
        }
        case 'statement':
          this.statements.set(record.witness, `${record.service}/${record.peer}`, evidence)
          break
        case 'strangers':
          this.strangers.set(record.network, evidence)
      }
    }
  }

  /** Puts back a receipt to show; it is not counted again. */
  restoreReceipt (proof: ReceiptProof): void {
    const { provider, consumer } = proof.receipt
    this.shelf.put(provider === this.self ? consumer : provider, proof)
  }

  private count (peer: string, service: string, more: { good?: number, bad?: number }, nowMs: number): Standing | undefined {
    if (!((more.good ?? 0) + (more.bad ?? 0) > 0)) {
      return undefined
    }
    const standing = this.standing(peer, service, nowMs)
    const next = { ...standing, evidence: withMore(standing.evidence, more, nowMs), counted: standing.counted + 1 }
    this.put(peer, next, nowMs)
    return next
  }

  private hear (witness: string, peer: string, service: string, more: Account, nowMs: number): void {
    if (more.good + more.bad === 0) {
      return
    }
    // from now on its score rises from a newcomer's, and no faster than by first-hand evidence
    if (this.book.get(peer, service) === undefined) {
      this.put(peer, this.standing(peer, service, nowMs), nowMs)
    }
    const subject = `${service}/${peer}`
    this.changes.put(statementRecord(witness, subject, this.statements.add(witness, subject, more, nowMs)))
  }

  private keep (peer: string, proof: ReceiptProof): void {
    this.shelf.put(peer, proof)
    this.changes.put(shelfRecord(peer, proof))
  }

  /** The standing with its score taken along to now, before what is about to change it. */
  private standing (peer: string, service: string, nowMs: number): Standing {
    const standing = this.book.get(peer, service)
    if (standing === undefined) {
      return newStanding(service, this.strangers.newcomerScore(this.networkOf(peer), nowMs), nowMs)
    }
    pace(standing, this.assess(peer, service, standing, nowMs).target, nowMs)
    return standing
  }

  private put (peer: string, standing: Standing, nowMs: number): void {
    this.book.set(peer, standing, nowMs)
    this.changes.put(standingRecord(peer, standing))
  }

  private assess (peer: string, service: string, standing: Standing | undefined, nowMs: number): Assessment {
    const own = standing === undefined ? undefined : faded(standing.evidence, nowMs)
    const newcomerScore = this.strangers.newcomerScore(this.networkOf(peer), nowMs)
    const expects = own === undefined ? newcomerScore : expectation(own, newcomerScore)
    const witnesses = this.witnesses(`${service}/${peer}`, nowMs)
    const opinions = witnesses.length === 0 ? [] : this.rule.weigh(witnesses, this.graph(nowMs))
    const pulls = pullsOf(expects, own ?? { good: 0, bad: 0 }, opinions)
    const pull = pulls.reduce((sum, entry) => sum + entry.pull, 0)
    return { own, newcomerScore, expects, pulls, pull, target: Math.min(1, expects * (1 + pull)) }
  }

  private witnesses (subject: string, nowMs: number): Witness[] {
    const witnesses: Witness[] = []
    for (const [peer, said] of this.statements.about(subject)) {
      const delivered = this.book.delivered(peer, nowMs)
      if (delivered > 0) {
        witnesses.push({ peer, network: this.networkOf(peer), delivered, said: faded(said, nowMs) })
      }
    }
    return witnesses
  }

  private graph (nowMs: number): TrustGraph {
    const { book, statements } = this
    return {
      deliveredByAll: book.deliveredByAll(nowMs),
      own: function * () {
        for (const peer of book.peers()) {
          yield [peer, book.delivered(peer, nowMs)]
        }
      },
      statements: function * (witness) {
        for (const [subject, said] of statements.by(witness)) {
          yield [subject.slice(subject.indexOf('/') + 1), faded(said, nowMs)]
        }
      }
    }
  }
}
