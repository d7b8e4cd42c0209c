/** A Merkle tree over 2^n leaves of 1 KiB: a commitment of 32 bytes, and the paths that show a leaf to be in it. */
import { equalBytes } from '@skein/core'

/** SHA-256; which implementation differs by platform. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array

export const DIGEST_BYTES = 32
/** A leaf has 1 KiB and a node two digests, so that none can stand for the other. */
export const LEAF_BYTES = 1024

export class MerkleTree {
  readonly leaves: number
  /** Node 1 is the root, 2i and 2i + 1 are the children of node i, the leaves come last */
  private readonly nodes: Uint8Array

  /** @param bytes 2^n times 1 KiB */
  constructor (bytes: Uint8Array, sha256: Sha256) {
    this.leaves = bytes.length / LEAF_BYTES
    const nodes = new Uint8Array(2 * this.leaves * DIGEST_BYTES)
    for (let i = 0; i < this.leaves; i++) {
      nodes.set(sha256(bytes.subarray(i * LEAF_BYTES, (i + 1) * LEAF_BYTES)), (this.leaves + i) * DIGEST_BYTES)
    }
    for (let i = this.leaves - 1; i > 0; i--) {
      nodes.set(sha256(nodes.subarray(2 * i * DIGEST_BYTES, (2 * i + 2) * DIGEST_BYTES)), i * DIGEST_BYTES)
    }
    this.nodes = nodes
  }

  get root (): Uint8Array<ArrayBuffer> {
    return this.node(1)
  }

  /** The digests beside the way from a leaf to the root, the leaf's sibling first, one after the other. */
  path (leaf: number): Uint8Array<ArrayBuffer> {
    const path = new Uint8Array(Math.log2(this.leaves) * DIGEST_BYTES)
    for (let node = this.leaves + leaf, at = 0; node > 1; node = Math.floor(node / 2), at += DIGEST_BYTES) {
      path.set(this.node(node ^ 1), at)
    }
    return path
  }

  private node (index: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(this.nodes.subarray(index * DIGEST_BYTES, (index + 1) * DIGEST_BYTES))
  }
}

/** Whether a leaf is at this place of the tree of this root. */
export function isLeafOf (root: Uint8Array, leaves: number, leaf: number, bytes: Uint8Array, path: Uint8Array, sha256: Sha256): boolean {
  if (bytes.length !== LEAF_BYTES || path.length !== Math.log2(leaves) * DIGEST_BYTES) {
    return false
  }
  const pair = new Uint8Array(2 * DIGEST_BYTES)
  let digest = sha256(bytes)
  for (let node = leaves + leaf, at = 0; node > 1; node = Math.floor(node / 2), at += DIGEST_BYTES) {
    const left = node % 2 === 0
    pair.set(digest, left ? 0 : DIGEST_BYTES)
    pair.set(path.subarray(at, at + DIGEST_BYTES), left ? DIGEST_BYTES : 0)
    digest = sha256(pair)
  }
  return equalBytes(digest, root)
}
