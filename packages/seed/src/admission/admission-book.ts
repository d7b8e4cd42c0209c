/**
 * Who was admitted and on what evidence, as a machine: says when an admission ends, and which have to be looked at again because an authority, a list
 * or a book has changed.
 */
import { TimerTable } from '@skein/core'
import type { Machine } from '@skein/core'
import type { AdmissionProblem, AdmissionRuleName } from './admission-policy.ts'

/** By rule, what it needs in order to look again. */
export type Evidence = Partial<Record<AdmissionRuleName, string>>

/** The peer is not admitted any longer: what it has here is to be taken from it. */
export interface AdmissionDrop {
  type: 'drop'
  peer: string
  reason: AdmissionProblem
}

interface Admission {
  evidence: Evidence
  untilMs: number
}

/**
 * One that has not shown itself for so long has no registration (5 min) and no reservation (30 min) any more, and a seed that only relays is asked
 * again after an hour, ms.
 */
export const ADMISSION_LIFE_MS = 2 * 3_600_000

export class AdmissionBook implements Machine<AdmissionDrop> {
  private readonly maxAdmissions: number
  private readonly admissions = new Map<string, Admission>()
  private readonly timers = new TimerTable<string>()
  private readonly effects: AdmissionDrop[] = []

  /** `maxAdmissions` is the most that are remembered: at least as many as can be registered, for one that was forgotten could not be dropped */
  constructor (maxAdmissions: number) {
    this.maxAdmissions = maxAdmissions
  }

  get size (): number {
    return this.admissions.size
  }

  isAdmitted (peer: string, nowMs: number): boolean {
    return (this.admissions.get(peer)?.untilMs ?? 0) > nowMs
  }

  evidenceOf (peer: string): Evidence | undefined {
    return this.admissions.get(peer)?.evidence
  }

  /** In the order in which they came. */
  get peers (): IterableIterator<string> {
    return this.admissions.keys()
  }

  /** The peer has shown what is asked for. `false` when there is no room for it */
  onAdmitted (peer: string, evidence: Evidence, untilMs: number, nowMs: number): boolean {
    this.onTimeout(nowMs)
    if (!this.admissions.has(peer) && this.admissions.size >= this.maxAdmissions) {
      return false
    }
    this.admissions.set(peer, { evidence, untilMs })
    this.timers.set(peer, Math.min(untilMs, nowMs + ADMISSION_LIFE_MS))
    return true
  }

  /** What it has shown was looked at again, and holds until then; it has not shown itself anew. */
  onChecked (peer: string, untilMs: number, nowMs: number): void {
    const admission = this.admissions.get(peer)
    if (admission !== undefined) {
      admission.untilMs = untilMs
      this.timers.set(peer, Math.min(untilMs, this.timers.deadlineOf(peer) ?? nowMs))
    }
  }

  /** What it has shown does not hold any longer. */
  onRefused (peer: string, reason: AdmissionProblem): void {
    if (this.admissions.delete(peer)) {
      this.timers.delete(peer)
      this.effects.push({ type: 'drop', peer, reason })
    }
  }

  onTimeout (nowMs: number): void {
    for (let peer = this.timers.popDue(nowMs); peer !== undefined; peer = this.timers.popDue(nowMs)) {
      const ended = (this.admissions.get(peer)?.untilMs ?? 0) <= nowMs
      this.admissions.delete(peer)
      if (ended) {
        this.effects.push({ type: 'drop', peer, reason: 'expired' })
      }
    }
  }

  poll (): AdmissionDrop | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    return this.timers.nextMs()
  }
}
