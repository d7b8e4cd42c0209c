/** What witnesses said of others: for each witness a bounded number of subjects, found by subject. */
import { BoundedMap } from '@skein/core'
import { NO_EVIDENCE, withMore } from './evidence.ts'
import type { Evidence } from './evidence.ts'

export interface WitnessStatementsInit {
  /** Most witnesses; at the bound the one without news for longest gives way */
  maxWitnesses: number
  /** Most subjects of one witness; at the bound the one it has not spoken of for longest gives way */
  maxSubjects: number
  /** Told of each statement that had to make room */
  onForget: (witness: string, subject: string) => void
}

export class WitnessStatements {
  private readonly witnesses: BoundedMap<string, BoundedMap<string, Evidence>>
  /** Who spoke of a subject: exactly what is in `witnesses`, turned around */
  private readonly speakers = new Map<string, Set<string>>()
  private readonly init: WitnessStatementsInit

  constructor (init: WitnessStatementsInit) {
    this.init = init
    this.witnesses = new BoundedMap({
      maxSize: init.maxWitnesses,
      onEvict: (witness, statements) => {
        for (const subject of statements.keys()) {
          this.unlink(witness, subject)
        }
      }
    })
  }

  add (witness: string, subject: string, more: { good?: number, bad?: number }, nowMs: number): Evidence {
    const evidence = withMore(this.witnesses.get(witness)?.get(subject) ?? NO_EVIDENCE, more, nowMs)
    this.set(witness, subject, evidence)
    return evidence
  }

  set (witness: string, subject: string, evidence: Evidence): void {
    const statements = this.witnesses.get(witness) ?? new BoundedMap<string, Evidence>({
      maxSize: this.init.maxSubjects,
      onEvict: old => { this.unlink(witness, old) }
    })
    statements.set(subject, evidence)
    this.witnesses.set(witness, statements)
    const speakers = this.speakers.get(subject)
    if (speakers === undefined) {
      this.speakers.set(subject, new Set([witness]))
    } else {
      speakers.add(witness)
    }
  }

  /** Who spoke of it, and what. */
  * about (subject: string): IterableIterator<[witness: string, evidence: Evidence]> {
    for (const witness of this.speakers.get(subject) ?? []) {
      yield [witness, this.witnesses.get(witness)?.get(subject) as Evidence]
    }
  }

  /** Of whom it spoke, and what. */
  by (witness: string): Iterable<[subject: string, evidence: Evidence]> {
    return this.witnesses.get(witness) ?? []
  }

  * entries (): IterableIterator<[witness: string, subject: string, evidence: Evidence]> {
    for (const [witness, statements] of this.witnesses) {
      for (const [subject, evidence] of statements) {
        yield [witness, subject, evidence]
      }
    }
  }

  private unlink (witness: string, subject: string): void {
    const speakers = this.speakers.get(subject)
    speakers?.delete(witness)
    if (speakers?.size === 0) {
      this.speakers.delete(subject)
    }
    this.init.onForget(witness, subject)
  }
}
