/**
 * How strangers turned out, as a group: what a newcomer starts with. Where names are free, one who is treated better than it deserves by its old
 * name takes a new one (E. Friedman, P. Resnick, "The Social Cost of Cheap Pseudonyms", 2001). So a newcomer is trusted no more than newcomers
 * lately deserved, in all and in its own network (the "stranger adaptive" policy of M. Feldman et al., "Robust Incentive Techniques for
 * Peer-to-Peer Networks", 2004), and never more than `NEWCOMER_SCORE`.
 */
import { BoundedMap } from '@skein/core'
import { expectation, faded, NEWCOMER_SCORE, NO_EVIDENCE, withMore } from './evidence.ts'
import type { Evidence } from './evidence.ts'

/** A peer is a stranger for so many dealings. */
const STRANGER_DEALINGS = 3

/** Networks remembered; the one heard of longest ago is forgotten, the record of all strangers stays. */
const MAX_NETWORKS = 1024

/** The key of the record of all strangers. */
const ALL = ''

/**
 * What the latest of its dealings says of strangers: each failure of one counts at once, a good start once, when it is complete. So names that are
 * made up to fail are not hidden by names that are made up to please.
 */
export function probationEvidence (
  { counted, evidence }: { counted: number, evidence: Evidence }, latest: { good?: number, bad?: number }
): { good?: number, bad?: number } | undefined {
  if (counted <= STRANGER_DEALINGS && (latest.bad ?? 0) > 0) {
    return { bad: latest.bad }
  }
  return counted === STRANGER_DEALINGS && evidence.bad === 0 ? { good: 1 } : undefined
}

export class Strangers {
  private readonly records: BoundedMap<string, Evidence>
  private all: Evidence = NO_EVIDENCE

  /** `onForget` is told of each network that had to make room. */
  constructor (onForget: (network: string) => void) {
    this.records = new BoundedMap({ maxSize: MAX_NETWORKS, onEvict: onForget })
  }

  /** A stranger delivered or failed; `network` when it is known. Returns the records that changed. */
  add (network: string | undefined, more: { good?: number, bad?: number }, nowMs: number): Array<[network: string, evidence: Evidence]> {
    const changed: Array<[string, Evidence]> = []
    for (const key of network === undefined || network === ALL ? [ALL] : [ALL, network]) {
      const evidence = withMore(this.get(key), more, nowMs)
      this.set(key, evidence)
      changed.push([key, evidence])
    }
    return changed
  }

  /** What a newcomer in `network` starts with. */
  newcomerScore (network: string | undefined, nowMs: number): number {
    const own = network === undefined ? NO_EVIDENCE : this.get(network)
    return Math.min(NEWCOMER_SCORE, expectation(faded(this.all, nowMs)), expectation(faded(own, nowMs)))
  }

  /** The record of a network, of all strangers for ''. */
  get (network: string): Evidence {
    return network === ALL ? this.all : this.records.touch(network) ?? NO_EVIDENCE
  }

  set (network: string, evidence: Evidence): void {
    if (network === ALL) {
      this.all = evidence
    } else {
      this.records.set(network, evidence)
    }
  }

  * entries (): IterableIterator<[network: string, evidence: Evidence]> {
    yield [ALL, this.all]
    yield * this.records
  }
}
