/** What this peer shows to seeds that ask for something: the credentials it was given, and the solution of its puzzle. */
import { BoundedMap } from '@skein/core'
import { PuzzleKeeper } from './puzzle-keeper.ts'
import type { PeerCredential, SeedProof } from '@skein/records'
import type { PuzzleKeeperInit } from './puzzle-keeper.ts'
import type { UnmetRule } from './seed-refusal.ts'

export interface AdmissionProofsInit extends PuzzleKeeperInit {
  /** Shown to seeds that ask for them, to no others */
  credentials: readonly PeerCredential[]
}

export type Remedy = 'credentials' | 'puzzle' | undefined

/** Seeds of which it is remembered what they ask for. */
const MAX_SEEDS = 64

export class AdmissionProofs {
  private readonly credentials: readonly PeerCredential[]
  private readonly puzzle: PuzzleKeeper
  /** The rules for which something is shown to each seed */
  private readonly shown = new BoundedMap<string, Set<string>>({ maxSize: MAX_SEEDS })

  constructor (init: AdmissionProofsInit) {
    this.credentials = init.credentials
    this.puzzle = new PuzzleKeeper(init)
  }

  /** What goes with a request to this seed. */
  proofsFor (seed: string): SeedProof[] {
    const rules = this.shown.get(seed)
    return rules === undefined
      ? []
      : this.held().filter(({ rule }) => rules.has(rule))
  }

  /** What can be done about the rules that a seed names; credentials come before work. */
  remedyFor (seed: string, unmet: readonly UnmetRule[]): Remedy {
    const shown = this.shown.get(seed)
    if (this.credentialProofs().some(({ rule }) => shown?.has(rule) !== true && unmet.some(one => one.rule === rule))) {
      return 'credentials'
    }
    // what the seed was shown and did not take is not shown again at once
    const isNew = (bits: number): boolean => shown?.has('puzzle') !== true || !this.puzzle.has(bits)
    return unmet.some(({ rule, puzzleBits }) => rule === 'puzzle' && this.puzzle.maySolve(puzzleBits) && isNew(puzzleBits)) ? 'puzzle' : undefined
  }

  /** Carries the remedy out; after it, `proofsFor` has more to show. @throws when the puzzle is given up */
  async apply (seed: string, remedy: Remedy, unmet: readonly UnmetRule[]): Promise<void> {
    if (remedy === 'puzzle') {
      await this.puzzle.solve(unmet.find(({ rule }) => rule === 'puzzle')?.puzzleBits ?? 0)
    }
    const rules = remedy === 'puzzle' ? ['puzzle'] : this.credentialProofs().map(({ rule }) => rule)
    const shown = this.shown.touch(seed) ?? new Set()
    rules.filter(rule => unmet.some(one => one.rule === rule)).forEach(rule => shown.add(rule))
    this.shown.set(seed, shown)
  }

  private held (): SeedProof[] {
    const solution = this.puzzle.solution()
    return [...this.credentialProofs(), ...solution === undefined ? [] : [{ rule: 'puzzle', parts: [solution] }]]
  }

  private credentialProofs (): SeedProof[] {
    const tokens = this.credentials.flatMap(one => one.type === 'token' ? [one.envelope] : [])
    return [
      ...tokens.length === 0 ? [] : [{ rule: 'token', parts: tokens }],
      ...this.credentials.flatMap(one => one.type === 'certificate' ? [{ rule: 'certificate', parts: one.chain }] : [])
    ]
  }
}
