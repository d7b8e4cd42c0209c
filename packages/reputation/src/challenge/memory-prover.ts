/** The prover's side of a memory challenge, step by step. It computes for seconds without a pause: under Node it lives in a thread of its own. */
import { BLOCK_BYTES, BLOCK_WORDS, fillMemory, referenceOf } from './memory-fill.ts'
import { blocksOf, drawOpenings, seedOf, SEGMENTS, walkStart } from './memory-challenge.ts'
import { blockAt, SEGMENT_STEPS, step, walk } from './memory-walk.ts'
import { LEAF_BYTES, MerkleTree } from './merkle-tree.ts'
import type { BlockOpening, MemoryChallenge, MemoryProof, SegmentOpening } from './memory-challenge.ts'
import type { Sha256 } from './merkle-tree.ts'
import type { WalkSalt, WalkState } from './memory-walk.ts'

/** States of a walk in a leaf of its tree. */
export const STATES_PER_LEAF = LEAF_BYTES / 8

export class MemoryProver {
  private readonly sha256: Sha256
  private readonly blocks: number
  private readonly words: Uint32Array<ArrayBuffer>
  private readonly bytes: Uint8Array<ArrayBuffer>
  private readonly tree: MerkleTree
  private walked?: { start: WalkState, salt: WalkSalt, ends: Uint32Array<ArrayBuffer>, tree: MerkleTree }

  /**
   * Fills the buffer.
   *
   * @throws {RangeError} when there is no memory for it
   */
  constructor (challenge: MemoryChallenge, sha256: Sha256) {
    this.sha256 = sha256
    this.blocks = blocksOf(challenge)
    this.words = new Uint32Array(this.blocks * BLOCK_WORDS)
    this.bytes = new Uint8Array(this.words.buffer)
    fillMemory(this.words, seedOf(challenge, sha256))
    this.tree = new MerkleTree(this.bytes, sha256)
  }

  /** Commitment to the buffer. */
  get root (): Uint8Array<ArrayBuffer> {
    return this.tree.root
  }

  /** Walks over the buffer and commits to the states on the way. */
  walk (nonce: Uint8Array): Uint8Array<ArrayBuffer> {
    const { start, salt } = walkStart(this.root, nonce, this.sha256)
    const ends = walk(start, salt, this.words, SEGMENTS)
    const tree = new MerkleTree(new Uint8Array(ends.buffer), this.sha256)
    this.walked = { start, salt, ends, tree }
    return tree.root
  }

  /** Opens what the nonce selects; after `walk`. */
  open (nonce: Uint8Array): MemoryProof {
    if (this.walked === undefined) {
      throw new Error('Nothing can be opened before the walk')
    }
    const drawn = drawOpenings(this.blocks, SEGMENTS, this.walked.tree.root, nonce, this.sha256)
    return { blocks: drawn.blocks.map(index => this.openBlock(index)), segments: drawn.segments.map(segment => this.openSegment(segment)) }
  }

  private openBlock (index: number): BlockOpening {
    const referenced = referenceOf(index, this.words[index * BLOCK_WORDS - 1] as number)
    return {
      previous: this.block(index - 1),
      referenced: this.block(referenced),
      path: this.tree.path(index),
      previousPath: this.tree.path(index - 1),
      referencedPath: this.tree.path(referenced)
    }
  }

  private openSegment (segment: number): SegmentOpening {
    const { start, salt, ends, tree } = this.walked as NonNullable<typeof this.walked>
    const leaf = Math.floor(segment / STATES_PER_LEAF)
    const states = new Uint8Array(ends.buffer)
    const crosses = segment > 0 && segment % STATES_PER_LEAF === 0
    const opening: SegmentOpening = {
      ends: states.slice(leaf * LEAF_BYTES, (leaf + 1) * LEAF_BYTES),
      endsPath: tree.path(leaf),
      previousEnds: crosses ? states.slice((leaf - 1) * LEAF_BYTES, leaf * LEAF_BYTES) : new Uint8Array(),
      previousEndsPath: crosses ? tree.path(leaf - 1) : new Uint8Array(),
      blocks: [],
      paths: []
    }
    let state = segment === 0 ? start : { a: (ends[2 * segment - 2] as number) | 0, b: (ends[2 * segment - 1] as number) | 0 }
    for (let i = 0; i < SEGMENT_STEPS; i++) {
      const index = blockAt(state, this.blocks)
      opening.blocks.push(this.block(index))
      opening.paths.push(this.tree.path(index))
      state = step(state, salt, this.words, index * BLOCK_WORDS)
    }
    return opening
  }

  private block (index: number): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES)
  }
}
