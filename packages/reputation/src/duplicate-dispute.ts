/**
 * The dispute rule of duplicate requests: the same request to a deterministic model goes to two providers at random times; where their answers
 * differ a third is asked, and the odd one out has evidence against it. A tie counts against nobody: then it is not known who is wrong.
 */
import { equalBytes, randomBelow } from '@skein/core'
import type { Random } from '@skein/core'

export interface DuplicateAnswer {
  provider: string
  /** Of the complete answer: SHA-256 over the bytes that have to be equal */
  digest: Uint8Array
}

export type DisputeVerdict =
  /** One answer, or two that differ: ask one more, in a network of its own where there is one */
  | { type: 'ask' }
  /** All alike */
  | { type: 'agreed', providers: string[] }
  /** Two stand against one */
  | { type: 'odd-one-out', odd: string, agreeing: string[] }
  /** Three that all differ: the model may not be deterministic */
  | { type: 'tie', providers: string[] }

/** The service under which disputes are kept, so that a lie weighs however well a peer delivers otherwise. */
export const HONESTY_SERVICE = 'honesty'

/** Judges two or three complete answers; those that failed are no answers. One provider counts once, its first answer. */
export function judgeDuplicates (answers: readonly DuplicateAnswer[]): DisputeVerdict {
  const heard = answers.filter(({ provider }, i) => answers.findIndex(other => other.provider === provider) === i).slice(0, 3)
  const [first, second, third] = heard
  if (first === undefined || second === undefined) {
    return { type: 'ask' }
  }
  const providers = heard.map(({ provider }) => provider)
  const same = (a: DuplicateAnswer, b: DuplicateAnswer): boolean => equalBytes(a.digest, b.digest)
  if (third === undefined) {
    return same(first, second) ? { type: 'agreed', providers } : { type: 'ask' }
  }
  const odd = heard.filter(answer => !heard.some(other => other !== answer && same(answer, other)))
  switch (odd.length) {
    case 0:
      return { type: 'agreed', providers }
    case 1: {
      const [{ provider }] = odd as [DuplicateAnswer]
      return { type: 'odd-one-out', odd: provider, agreeing: providers.filter(other => other !== provider) }
    }
    default:
      return { type: 'tie', providers }
  }
}

/** What a verdict says of whom: a failure of the odd one out, and a success of those that agreed. */
export function evidenceOfDispute (verdict: DisputeVerdict): Array<{ peer: string, good?: number, bad?: number }> {
  switch (verdict.type) {
    case 'agreed':
      return verdict.providers.map(peer => ({ peer, good: 1 }))
    case 'odd-one-out':
      return [{ peer: verdict.odd, bad: 1 }, ...verdict.agreeing.map(peer => ({ peer, good: 1 }))]
    case 'ask':
    case 'tie':
      return []
  }
}

/**
 * Draws whom to ask next: one that was not asked, in a network in which nobody was if there is any, since two of one owner would agree on a lie.
 * `undefined` when there is nobody left: then the dispute is a tie.
 */
export function nextDuplicate (
  candidates: readonly string[], asked: readonly string[], networkOf: (peer: string) => string | undefined, random: Random
): string | undefined {
  const left = candidates.filter(peer => !asked.includes(peer))
  const networks = new Set(asked.map(networkOf))
  const elsewhere = left.filter(peer => networkOf(peer) !== undefined && !networks.has(networkOf(peer)))
  const pool = elsewhere.length > 0 ? elsewhere : left
  return pool.length === 0 ? undefined : pool[randomBelow(random, pool.length)]
}
