/** What happened, as a hash: a chain for each node, so that the order of what happened to it counts, and the order between nodes does not. */

export class EventLog {
  /** One for each node */
  readonly chains: Uint32Array

  /** @param chains where to keep them, if several threads share one log */
  constructor (nodes: number, chains: Uint32Array = new Uint32Array(nodes)) {
    this.chains = chains
  }

  event (node: number, tick: number, source: number, counter: number): void {
    this.note(node, tick >>> 0)
    this.note(node, Math.imul(source, 0x9e3779b9) ^ counter)
  }

  /** Adds 32 bits to a node's chain. */
  note (node: number, word: number): void {
    let z = Math.imul((this.chains[node] as number) ^ word, 0x85ebca6b) + 0x9e3779b9
    z = Math.imul(z ^ (z >>> 15), 0x2c1b3c6d)
    this.chains[node] = z ^ (z >>> 13)
  }

  /** The chain of a node. */
  chainOf (node: number): number {
    return this.chains[node] as number
  }

  /** 64 bits, hexadecimal, over all nodes in their order. */
  hash (): string {
    return hashChains(this.chains)
  }
}

/** One hash of the chains of all nodes, in the order of the nodes. */
export function hashChains (chains: ArrayLike<number>): string {
  let a = 0x243f6a88
  let b = 0x85a308d3
  for (let i = 0; i < chains.length; i++) {
    const chain = chains[i] as number
    a = Math.imul(a ^ chain, 0xcc9e2d51) ^ (b >>> 7)
    b = Math.imul(b + chain, 0x1b873593) ^ (a >>> 11)
  }
  return [a, b].map(half => (half >>> 0).toString(16).padStart(8, '0')).join('')
}
