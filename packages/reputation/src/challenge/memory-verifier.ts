/**
 * The verifier's side: whether what was opened is what the rules make of the nonces. To open a committed chain at random with its parents is the
 * Merkle Tree Proof (A. Biryukov, D. Khovratovich, "Egalitarian Computing", USENIX Security 2016); there the prover draws by itself and can grind
 * (I. Dinur, N. Nadler, CRYPTO 2017), here the verifier does, after the commitment.
 */
import { BLOCK_OPENINGS, blocksOf, drawOpenings, seedOf, SEGMENT_OPENINGS, SEGMENTS, walkStart, wordsOf } from './memory-challenge.ts'
import { blockOf, BLOCK_BYTES, BLOCK_WORDS, referenceOf } from './memory-fill.ts'
import { STATES_PER_LEAF } from './memory-prover.ts'
import { blockAt, SEGMENT_STEPS, step } from './memory-walk.ts'
import { isLeafOf } from './merkle-tree.ts'
import type { BlockOpening, MemoryChallenge, MemoryProof, SegmentOpening } from './memory-challenge.ts'
import type { Sha256 } from './merkle-tree.ts'
import type { WalkState } from './memory-walk.ts'

export interface MemoryTranscript {
  challenge: MemoryChallenge
  /** Commitment to the buffer */
  root: Uint8Array
  walkNonce: Uint8Array
  /** Commitment to the walk */
  walkRoot: Uint8Array
  openNonce: Uint8Array
}

/**
 * - `block`: one that does not follow from its parents, or is not in the tree
 * - `segment`: a piece of the walk that does not lead where it was said to
 * - `missing`: not as many openings as were asked for
 */
export type MemoryFault = 'block' | 'segment' | 'missing'

/** `undefined` when all that was opened is right. */
export function faultOf (proof: MemoryProof, transcript: MemoryTranscript, sha256: Sha256): MemoryFault | undefined {
  const { challenge, walkRoot, openNonce } = transcript
  if (proof.blocks.length !== BLOCK_OPENINGS || proof.segments.length !== SEGMENT_OPENINGS) {
    return 'missing'
  }
  const seed = seedOf(challenge, sha256)
  const drawn = drawOpenings(blocksOf(challenge), SEGMENTS, walkRoot, openNonce, sha256)
  if (!drawn.blocks.every((index, i) => blockHolds(proof.blocks[i] as BlockOpening, index, seed, transcript, sha256))) {
    return 'block'
  }
  return drawn.segments.every((segment, i) => segmentHolds(proof.segments[i] as SegmentOpening, segment, transcript, sha256)) ? undefined : 'segment'
}

function blockHolds (opening: BlockOpening, index: number, seed: Uint32Array, { challenge, root }: MemoryTranscript, sha256: Sha256): boolean {
  const blocks = blocksOf(challenge)
  if (opening.previous.length !== BLOCK_BYTES || opening.referenced.length !== BLOCK_BYTES) {
    return false
  }
  const previous = wordsOf(opening.previous)
  const referenced = referenceOf(index, previous[BLOCK_WORDS - 1] as number)
  const block = blockOf(seed, index, previous, wordsOf(opening.referenced))
  return isLeafOf(root, blocks, index - 1, opening.previous, opening.previousPath, sha256) &&
    isLeafOf(root, blocks, referenced, opening.referenced, opening.referencedPath, sha256) &&
    isLeafOf(root, blocks, index, new Uint8Array(block.buffer), opening.path, sha256)
}

function segmentHolds (opening: SegmentOpening, segment: number, transcript: MemoryTranscript, sha256: Sha256): boolean {
  const { challenge, root, walkNonce, walkRoot } = transcript
  const blocks = blocksOf(challenge)
  if (opening.blocks.length !== SEGMENT_STEPS || opening.paths.length !== SEGMENT_STEPS) {
    return false
  }
  const { start, salt } = walkStart(root, walkNonce, sha256)
  const end = stateIn(opening.ends, opening.endsPath, segment, walkRoot, sha256)
  let state = segment === 0
    ? start
    : segment % STATES_PER_LEAF === 0
      ? stateIn(opening.previousEnds, opening.previousEndsPath, segment - 1, walkRoot, sha256)
      : stateIn(opening.ends, opening.endsPath, segment - 1, walkRoot, sha256)
  if (state === undefined || end === undefined) {
    return false
  }
  for (let i = 0; i < SEGMENT_STEPS; i++) {
    const block = opening.blocks[i] as Uint8Array
    if (!isLeafOf(root, blocks, blockAt(state, blocks), block, opening.paths[i] as Uint8Array, sha256)) {
      return false
    }
    state = step(state, salt, wordsOf(block), 0)
  }
  return state.a === end.a && state.b === end.b
}

function stateIn (leaf: Uint8Array, path: Uint8Array, segment: number, walkRoot: Uint8Array, sha256: Sha256): WalkState | undefined {
  const leaves = SEGMENTS / STATES_PER_LEAF
  if (!isLeafOf(walkRoot, leaves, Math.floor(segment / STATES_PER_LEAF), leaf, path, sha256)) {
    return undefined
  }
  const words = wordsOf(leaf)
  const at = 2 * (segment % STATES_PER_LEAF)
  return { a: (words[at] as number) | 0, b: (words[at + 1] as number) | 0 }
}
