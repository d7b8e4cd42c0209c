/** Provers that do not keep to the rules, and the transcript of a challenge with one, for tests. */
import { sha256 } from '@noble/hashes/sha2.js'
import { SeededRandom } from '@skein/core'
import { seedOf, SEGMENTS, walkStart } from '../../src/challenge/memory-challenge.ts'
import { BLOCK_WORDS, blockOf, referenceOf } from '../../src/challenge/memory-fill.ts'
import { MemoryProver } from '../../src/challenge/memory-prover.ts'
import { MerkleTree } from '../../src/challenge/merkle-tree.ts'
import type { MemoryChallenge, MemoryProof } from '../../src/challenge/memory-challenge.ts'
import type { MemoryTranscript } from '../../src/challenge/memory-verifier.ts'
import type { Sha256 } from '../../src/challenge/merkle-tree.ts'

export const CHEAT_CHALLENGE: MemoryChallenge = { bytes: 1024 * 1024, verifier: 'verifier', prover: 'cheat', nonce: new Uint8Array(32) }

interface Inside {
  words: Uint32Array<ArrayBuffer>
  bytes: Uint8Array<ArrayBuffer>
  tree: MerkleTree
  walked: { ends: Uint32Array<ArrayBuffer>, start: unknown, salt: unknown, tree: MerkleTree }
}

/** - `madeUp`: share of blocks that are not stored but made up, by a rule that needs no memory - `notWalked`: share of the walk that is made up */
export function cheatingProver ({ madeUp = 0, notWalked = 0 }: { madeUp?: number, notWalked?: number }): MemoryProver {
  const prover = new MemoryProver(CHEAT_CHALLENGE, sha256)
  const inside = prover as unknown as Inside
  const random = new SeededRandom(7)
  if (madeUp > 0) {
    const { words } = inside
    const seed = seedOf(CHEAT_CHALLENGE, sha256)
    const block = (index: number): Uint32Array => words.subarray(index * BLOCK_WORDS, (index + 1) * BLOCK_WORDS)
    for (let index = 2; index < words.length / BLOCK_WORDS; index++) {
      const previous = block(index - 1)
      block(index).set(random.nextUint32() < madeUp * 2 ** 32
        ? new Uint32Array(BLOCK_WORDS).fill(random.nextUint32())
        : blockOf(seed, index, previous, block(referenceOf(index, previous[BLOCK_WORDS - 1] as number))))
    }
    inside.tree = new MerkleTree(inside.bytes, sha256)
  }
  if (notWalked > 0) {
    const honest = prover.walk.bind(prover)
    prover.walk = nonce => {
      honest(nonce)
      const { ends } = inside.walked
      // contiguous: each state that is made up leads nowhere
      for (let i = 0; i < 2 * SEGMENTS * notWalked; i++) {
        ends[i] = random.nextUint32()
      }
      const tree = new MerkleTree(new Uint8Array(ends.buffer), sha256)
      inside.walked = { ...walkStart(prover.root, nonce, sha256), ends, tree }
      return tree.root
    }
  }
  return prover
}

const nonce = (seed: number, step: number): Uint8Array<ArrayBuffer> => new Uint8Array(32).fill(seed).fill(step, 16)

/** What a verifier has in the end, its nonces drawn from a seed. */
export function transcriptOf (prover: MemoryProver, challenge: MemoryChallenge, seed: number): [MemoryProof, MemoryTranscript, Sha256] {
  return openedBy(prover, challenge, seed)(seed)
}

/** … of one walk, opened by several nonces. */
export function openedBy (
  prover: MemoryProver, challenge: MemoryChallenge, seed: number
): (openSeed: number) => [MemoryProof, MemoryTranscript, Sha256] {
  const walkNonce = nonce(seed, 1)
  const walkRoot = prover.walk(walkNonce)
  return openSeed => {
    const openNonce = nonce(openSeed, 2)
    return [prover.open(openNonce), { challenge, root: prover.root, walkNonce, walkRoot, openNonce }, sha256]
  }
}
