/** Asks the rules of a seed's policy whether a peer is let in, remembers those that are, and takes back what no longer holds. */
import { deadline, MachineDriver } from '@skein/core'
import { MAX_PROOF_PART_BYTES, MAX_PROOF_PARTS, MAX_SEED_PROOFS } from '@skein/records'
import { AdmissionBook } from './admission-book.ts'
import { judgePolicy, rulesOf } from './admission-policy.ts'
import type { Clock } from '@skein/core'
import type { SeedDemand, SeedProof } from '@skein/records'
import type { AdmissionDrop, Evidence } from './admission-book.ts'
import type { AdmissionPolicy, AdmissionRuleName } from './admission-policy.ts'
import type { AdmissionRule, RuleVerdict } from './admission-rule.ts'

export interface AdmissionGateInit {
  policy: AdmissionPolicy
  /** One for each rule that the policy names */
  rules: readonly AdmissionRule[]
  /** Most peers that are remembered as admitted @default 100_001 */
  maxAdmissions?: number
  clock: Clock
}

export type GateVerdict =
  | { admitted: true }
  | { admitted: false, message: string, demands: SeedDemand[] }

export interface AdmissionCounters {
  /** Admitted anew, or again on new evidence */
  admitted: number
  /** What was not met, by rule and problem: `token_revoked` */
  refused: Record<string, number>
  /** Taken back from peers that had been admitted, by why */
  dropped: Record<string, number>
}

/** All rules for one peer, ms: a book of stakes may be far away. */
const CHECK_TIMEOUT_MS = 5_000
/** Peers looked at again before others get a turn. */
const RECHECK_BATCH = 500

export class AdmissionGate {
  readonly counters: AdmissionCounters = { admitted: 0, refused: {}, dropped: {} }
  /** Told of a peer that is not admitted any longer; what it has is to be taken from it */
  onDrop: (drop: AdmissionDrop) => void = () => {}
  private readonly policy: AdmissionPolicy
  private readonly rules: Map<AdmissionRuleName, AdmissionRule>
  private readonly clock: Clock
  private readonly driver: MachineDriver<AdmissionDrop, AdmissionBook>
  private rechecking?: Promise<void>
  private recheckAgain = false

  /** @throws {RangeError} when the policy names a rule that there is none for */
  constructor ({ policy, rules, maxAdmissions = 100_001, clock }: AdmissionGateInit) {
    this.policy = policy
    this.clock = clock
    this.rules = new Map(rulesOf(policy).map(name => {
      const rule = rules.find(one => one.name === name)
      if (rule === undefined) {
        throw new RangeError(`The policy asks for ${name}, for which there is no rule`)
      }
      return [name, rule]
    }))
    this.driver = new MachineDriver({
      machine: new AdmissionBook(maxAdmissions),
      clock,
      perform: drop => {
        count(this.counters.dropped, drop.reason)
        this.onDrop(drop)
      }
    })
  }

  /** Peers that are remembered as admitted. */
  get size (): number {
    return this.driver.machine.size
  }

  isAdmitted (peer: string): boolean {
    return this.driver.machine.isAdmitted(peer, this.clock.nowMs())
  }

  /** Whether a peer is let in: by what it presents now, or has presented before. */
  async judge (peer: string, proofs: readonly SeedProof[]): Promise<GateVerdict> {
    if (proofs.length === 0 && this.isAdmitted(peer)) {
      return { admitted: true }
    }
    const verdicts = await this.ask(async (rule, signal) => await rule.check(peer, partsOf(proofs, rule.name), this.clock.nowMs(), signal))
    const verdict = judgePolicy(this.policy, rule => untilMsOf(verdicts.get(rule)))
    if (verdict.met) {
      let remembered = false
      this.driver.input((book, nowMs) => { remembered = book.onAdmitted(peer, evidenceOf(verdict.by, verdicts), verdict.untilMs, nowMs) })
      this.counters.admitted++
      return remembered ? { admitted: true } : { admitted: false, message: 'As many are admitted here as can be; try another seed', demands: [] }
    }
    const demands = verdict.unmet.flatMap(rule => this.demand(rule, verdicts.get(rule)))
    demands.forEach(({ rule, problem }) => { count(this.counters.refused, `${rule}_${problem}`) })
    return { admitted: false, message: demands.map(({ message }) => message).join('; '), demands }
  }

  /** An authority, a list or a book has changed: all who were admitted are looked at again, and those dropped for whom it does not hold. */
  async recheck (): Promise<void> {
    if (this.rechecking !== undefined) {
      this.recheckAgain = true
      await this.rechecking
      return
    }
    this.rechecking = (async () => {
      do {
        this.recheckAgain = false
        await this.recheckAll()
      } while (this.recheckAgain)
    })()
    await this.rechecking.finally(() => { this.rechecking = undefined })
  }

  stop (): void {
    this.onDrop = () => {}
    this.driver.stop()
  }

  private async recheckAll (): Promise<void> {
    let looked = 0
    for (const peer of [...this.driver.machine.peers]) {
      const evidence = this.driver.machine.evidenceOf(peer)
      if (evidence !== undefined) {
        await this.recheckOne(peer, evidence)
      }
      if (++looked % RECHECK_BATCH === 0) {
        await new Promise<void>(resolve => { this.clock.schedule(this.clock.nowMs(), resolve) })
      }
    }
  }

  /** Only on the evidence that it was admitted on: a peer that could show another shows it when it comes again. */
  private async recheckOne (peer: string, evidence: Evidence): Promise<void> {
    const verdicts = await this.ask(async (rule, signal) => {
      const shown = evidence[rule.name]
      return shown === undefined ? undefined : await rule.holds(peer, shown, this.clock.nowMs(), signal)
    })
    const verdict = judgePolicy(this.policy, rule => untilMsOf(verdicts.get(rule)))
    if (this.driver.machine.evidenceOf(peer) !== evidence) {
      return // it has shown something else meanwhile
    }
    if (verdict.met) {
      this.driver.input((book, nowMs) => { book.onChecked(peer, verdict.untilMs, nowMs) })
      return
    }
    const failed = Object.keys(evidence).map(rule => verdicts.get(rule as AdmissionRuleName)).find(one => one?.met === false)
    if (failed?.met === false && failed.problem !== 'unavailable') {
      this.driver.input(book => { book.onRefused(peer, failed.problem) })
    }
  }

  private async ask (
    look: (rule: AdmissionRule, signal: AbortSignal) => Promise<RuleVerdict | undefined>
  ): Promise<Map<AdmissionRuleName, RuleVerdict>> {
    const limit = deadline(this.clock, CHECK_TIMEOUT_MS)
    try {
      const verdicts = new Map<AdmissionRuleName, RuleVerdict>()
      for (const [name, rule] of this.rules) {
        const verdict = await look(rule, limit.signal)
        if (verdict !== undefined) {
          verdicts.set(name, verdict)
        }
      }
      return verdicts
    } finally {
      limit.clear()
    }
  }

  private demand (name: AdmissionRuleName, verdict: RuleVerdict | undefined): SeedDemand[] {
    const rule = this.rules.get(name)
    return rule === undefined || verdict === undefined || verdict.met
      ? []
      : [{ rule: name, problem: verdict.problem, message: verdict.message, where: rule.where, puzzleBits: rule.puzzleBits ?? 0 }]
  }
}

/** What is presented for a rule, as far as it is within bounds. */
function partsOf (proofs: readonly SeedProof[], rule: AdmissionRuleName): Uint8Array[] {
  const parts = proofs.slice(0, MAX_SEED_PROOFS).find(proof => proof.rule === rule)?.parts ?? []
  return parts.slice(0, MAX_PROOF_PARTS).filter(part => part.length <= MAX_PROOF_PART_BYTES)
}

function untilMsOf (verdict: RuleVerdict | undefined): number | undefined {
  return verdict?.met === true ? verdict.untilMs : undefined
}

function evidenceOf (rules: AdmissionRuleName[], verdicts: Map<AdmissionRuleName, RuleVerdict>): Evidence {
  return Object.fromEntries(rules.flatMap(rule => {
    const verdict = verdicts.get(rule)
    return verdict?.met === true ? [[rule, verdict.evidence]] : []
  }))
}

function count (counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1
}
