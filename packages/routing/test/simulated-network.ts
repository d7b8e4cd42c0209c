/** A network of nodes with ideal Kademlia tables, for tests of the lookup: no messages, no time but what a latency costs. */
import { randomBelow, randomBytes, toHex } from '@skein/core'
import { compareDistance } from '../src/model-key.ts'
import type { Contact } from '../src/contact.ts'
import type { LookupEffect, SequencedOffer } from '../src/lookup.ts'
import type { Lookup } from '../src/lookup.ts'
import type { Random } from '@skein/core'

export interface SimulatedNode extends Contact {
  /** Each bucket's entries; those of the last few are all there are */
  table: SimulatedNode[]
}

export interface Answer {
  offers: SequencedOffer[]
  closer: Contact[]
}

/** `undefined`: the node does not answer. */
export type Behaviour = (node: SimulatedNode, target: Uint8Array) => Answer | 'fail' | undefined

export function closestOf<C extends Contact> (nodes: C[], target: Uint8Array, count: number): C[] {
  return [...nodes].sort((a, b) => compareDistance(a.kadId, b.kadId, target)).slice(0, count)
}

/** `count` nodes, each with up to `k` random entries in each bucket, as a network that has settled has them. */
export function idealNetwork (count: number, k: number, random: Random): SimulatedNode[] {
  const nodes: SimulatedNode[] = Array.from({ length: count }, () => {
    const kadId = randomBytes(random, 32)
    return { peer: toHex(kadId), kadId, table: [] }
  })
  for (const node of nodes) {
    const buckets = new Map<number, SimulatedNode[]>()
    for (const other of nodes) {
      if (other !== node) {
        const bucket = commonPrefix(node.kadId, other.kadId)
        const entries = buckets.get(bucket) ?? []
        entries.push(other)
        buckets.set(bucket, entries)
      }
    }
    for (const entries of buckets.values()) {
      for (let i = 0; i < Math.min(k, entries.length); i++) {
        const j = i + randomBelow(random, entries.length - i)
        const swap = entries[i] as SimulatedNode
        entries[i] = entries[j] as SimulatedNode
        entries[j] = swap
        node.table.push(entries[i] as SimulatedNode)
      }
    }
  }
  return nodes
}

export function honest (k: number): Behaviour {
  return (node, target) => ({ offers: [], closer: closestOf(node.table, target, k) })
}

export interface LookupRun {
  done: Extract<LookupEffect<Contact, SequencedOffer>, { type: 'done' }>
  queried: string[]
  offers: SequencedOffer[]
  rounds: number
  endedMs: number
}

/**
 * Runs a lookup to its end. An answer takes `latencyMs(node)`; 'fail' is told after as long. Throws when the lookup neither has something
 * under way nor waits for a time, or runs for more steps than any bounded lookup can.
 */
export function runLookup (
  lookup: Lookup<Contact, SequencedOffer>, nodes: Map<string, SimulatedNode>, target: Uint8Array, behaviour: Behaviour, latencyMs: (peer: string) => number
): LookupRun {
  const queried: string[] = []
  const offers: SequencedOffer[] = []
  let inbox: Array<{ atMs: number, from: string, answer: Answer | 'fail' }> = []
  let nowMs = 0
  let rounds = 0
  for (let step = 0; step < 100_000; step++) {
    for (;;) {
      const effect = lookup.poll()
      if (effect === undefined) {
        break
      }
      if (effect.type === 'done') {
        return { done: effect, queried, offers, rounds, endedMs: nowMs }
      } else if (effect.type === 'offers') {
        offers.push(...effect.offers)
      } else {
        queried.push(effect.to.peer)
        const node = nodes.get(effect.to.peer)
        const answer = node === undefined ? undefined : behaviour(node, target)
        if (answer !== undefined) {
          inbox.push({ atMs: nowMs + latencyMs(effect.to.peer), from: effect.to.peer, answer })
        }
      }
    }
    const timeoutMs = lookup.nextTimeoutMs() ?? Infinity
    const arrivalMs = inbox.reduce((atMs, message) => Math.min(atMs, message.atMs), Infinity)
    if (timeoutMs === Infinity && arrivalMs === Infinity) {
      throw new Error('The lookup waits for nothing and has not ended')
    }
    rounds++
    if (arrivalMs <= timeoutMs) {
      nowMs = arrivalMs
      const due = inbox.filter(message => message.atMs === arrivalMs)
      inbox = inbox.filter(message => message.atMs !== arrivalMs)
      for (const { from, answer } of due) {
        if (answer === 'fail') {
          lookup.onFailure(from, nowMs)
        } else {
          lookup.onResponse(from, answer, nowMs)
        }
      }
    } else {
      nowMs = timeoutMs
      lookup.onTimeout(nowMs)
    }
  }
  throw new Error('The lookup does not end')
}

function commonPrefix (a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < 32; i++) {
    const difference = (a[i] as number) ^ (b[i] as number)
    if (difference !== 0) {
      return 8 * i + Math.clz32(difference) - 24
    }
  }
  return 256
}
