/**
 * How each remote peer is reached, and what is done to reach it better: one state per peer, from the connections that stand. While a worse path
 * carries, better ones are tried, one after the other; when one stands, new streams go over it, and the worse connection is let go when its last
 * stream has ended. What failed is tried again after ever longer pauses, and at once when this peer's own network has changed. A connection over
 * which nothing comes any more counts as none until it is heard again.
 */
import { BoundedMap, randomFloat, TimerTable } from '@skein/core'
import { isSameReach, pairWays } from './pair-ways.ts'
import type { Machine, Random } from '@skein/core'
import type { DirectWay, Reach } from './pair-ways.ts'

/** The best first. `bonded`: several links, by SRTLA. */
export const PATHS = ['direct', 'punched', 'bonded', 'relayed'] as const
export type Path = typeof PATHS[number]

export interface PathConnection {
  /** Unique among the connections of this peer */
  id: string
  peer: string
  path: Path
  /** This peer opened it, so that it leads what is tried over it @default false */
  leads?: boolean
}

export interface PeerPath {
  /** `undefined`: not connected */
  path: Path | undefined
  /** The path that it was last reached by, or is now; left out of one that never was */
  lastPath?: Path
  /** In words */
  why: string
  sinceMs: number
  /** Ways that did not work lately, and when they are tried again, ms since the epoch */
  failed: Array<{ way: DirectWay, failures: number, untilMs: number }>
  /** A relay is what is left: what the peer can do is known, no way to a better path worked, and none is being tried */
  isStuck: boolean
  /** The way that is being tried */
  trying?: DirectWay
}

/**
 * - `ask`: over a relayed connection that this peer leads, what the other one can do; answer with `onReach` or `onReachFailed`
 * - `try`: reach the peer this way; answer with `onTried`
 * - `changed`: the path to a peer is another one
 * - `retire`: new streams go elsewhere: close this connection when its last stream has ended, if it `isRetired` then
 */
export type PathEffect =
  | { type: 'ask', peer: string }
  | { type: 'try', peer: string, way: DirectWay }
  | { type: 'changed', peer: string, from: Path | undefined, to: Path | undefined, why: string }
  | { type: 'retire', peer: string, connection: string }

export interface PathTableInit {
  /** What this peer can do, asked whenever a way is chosen */
  self: () => Reach
  /** Most peers of which paths are remembered @default 1024 */
  maxPeers?: number
  /** Ways that are tried at once, over all peers @default 4 */
  maxTries?: number
  /** A way that has not ended by then has failed, ms @default 10_000 */
  tryTimeoutMs?: number
  /** The pause after the first failure of a way with a peer, ms; it doubles @default 30_000 */
  firstPauseMs?: number
  /** @default 1_800_000 */
  maxPauseMs?: number
  /** A peer over whose relayed path nothing went for so long is not worth a try, ms @default 120_000 */
  idleMs?: number
  /** What a peer can do may be otherwise after this, when its NAT or its addresses have become known, ms @default 60_000 */
  reachLifeMs?: number
}

interface Entry {
  connections: Map<string, PathConnection>
  /** Of the connections, those that are to be closed */
  retired: Set<string>
  /** Of the connections, those over which nothing comes */
  silent: Set<string>
  path: Path | undefined
  lastPath?: Path
  why: string
  sinceMs: number
  usedMs: number
  reach?: Reach
  /** When the peer may be asked what it can do, and how often in a row it did not say */
  ask: { fromMs: number, failures: number, isUnderWay: boolean }
  failures: Map<DirectWay, { count: number, untilMs: number }>
  trying?: DirectWay
}

/** Pauses differ by up to this share, so that both sides of many pairs do not try at the same moment. */
const PAUSE_SPREAD = 0.25
/** They may change several times in a row. */
const ADDRESSES_SETTLE_MS = 2_000
/** After the first question without an answer, ms; it doubles, up to the life of an answer. */
const ASK_AGAIN_MS = 2_000

export class PathTable implements Machine<PathEffect> {
  private readonly init: Required<PathTableInit>
  private readonly random: Random
  private readonly entries: BoundedMap<string, Entry>
  private readonly timers = new TimerTable<string>()
  private readonly effects: PathEffect[] = []
  private underWay = 0

  constructor (init: PathTableInit, random: Random) {
    this.init = {
      maxPeers: 1024, maxTries: 4, tryTimeoutMs: 10_000, firstPauseMs: 30_000, maxPauseMs: 1_800_000, idleMs: 120_000, reachLifeMs: 60_000, ...init
    }
    this.random = random
    this.entries = new BoundedMap({ maxSize: this.init.maxPeers, onEvict: (peer, entry) => { this.drop(peer, entry) } })
  }

  /** How a peer is reached now; `undefined` of one that was never connected, or forgotten. */
  pathTo (peer: string): PeerPath | undefined {
    const entry = this.entries.get(peer)
    return entry === undefined
      ? undefined
      : {
          path: entry.path,
          ...entry.lastPath === undefined ? {} : { lastPath: entry.lastPath },
          why: entry.why,
          sinceMs: entry.sinceMs,
          failed: [...entry.failures].map(([way, { count, untilMs }]) => ({ way, failures: count, untilMs })),
          isStuck: entry.lastPath === 'relayed' && entry.reach !== undefined && entry.trying === undefined,
          ...entry.trying === undefined ? {} : { trying: entry.trying }
        }
  }

  /** Peers of which something is known, connected or not. */
  get peers (): string[] {
    return [...this.entries].map(([peer]) => peer)
  }

  /** The connection that new streams should use. */
  bestConnection (peer: string): string | undefined {
    const entry = this.entries.get(peer)
    return entry === undefined ? undefined : standing(entry).findLast(connection => connection.path === entry.path)?.id
  }

  /** Whether a connection is to be closed when nothing uses it: a better one may have gone since it was retired. */
  isRetired (peer: string, id: string): boolean {
    return this.entries.get(peer)?.retired.has(id) === true
  }

  onConnected (connection: PathConnection, nowMs: number): void {
    const entry = this.entry(connection.peer, nowMs)
    entry.connections.set(connection.id, connection)
    if (connection.leads === true) {
      entry.ask.fromMs = nowMs
    }
    this.settle(connection.peer, entry, `a ${connection.path} connection was made`, nowMs)
    this.improve(connection.peer, entry, nowMs)
  }

  onClosed (peer: string, id: string, nowMs: number): void {
    const entry = this.entries.get(peer)
    const closed = entry?.connections.get(id)
    if (entry === undefined || closed === undefined) {
      return
    }
    entry.connections.delete(id)
    entry.retired.delete(id)
    entry.silent.delete(id)
    this.settle(peer, entry, `the ${closed.path} connection ended`, nowMs)
    this.improve(peer, entry, nowMs)
  }

  /** Nothing comes over a connection on which something was to come. */
  onSilent (peer: string, id: string, nowMs: number): void {
    const entry = this.entries.get(peer)
    const connection = entry?.connections.get(id)
    if (entry !== undefined && connection !== undefined && !entry.silent.has(id)) {
      entry.silent.add(id)
      this.settle(peer, entry, `nothing comes over the ${connection.path} connection`, nowMs)
      this.improve(peer, entry, nowMs)
    }
  }

  /** Something came over it after all. */
  onHeard (peer: string, id: string, nowMs: number): void {
    const entry = this.entries.get(peer)
    if (entry?.silent.delete(id) === true) {
      this.settle(peer, entry, `the ${entry.connections.get(id)?.path} connection carries again`, nowMs)
    }
  }

  /** Something goes, or is about to go, to or from a peer. */
  onUsed (peer: string, nowMs: number): void {
    const entry = this.entries.touch(peer)
    if (entry !== undefined) {
      entry.usedMs = nowMs
      this.improve(peer, entry, nowMs)
    }
  }

  /** What the peer said that it can do. */
  onReach (peer: string, reach: Reach, nowMs: number): void {
    const entry = this.entry(peer, nowMs)
    if (entry.reach !== undefined && !isSameReach(entry.reach, reach)) {
      entry.failures.clear() // what failed may work
    }
    entry.reach = reach
    entry.ask = { fromMs: nowMs + this.init.reachLifeMs, failures: 0, isUnderWay: false }
    this.improve(peer, entry, nowMs)
  }

  /** It has other addresses than before: it may be able to do more. Whoever changes them often is asked no more often for that. */
  onAddressesChanged (peer: string, nowMs: number): void {
    const entry = this.entries.get(peer)
    if (entry?.reach !== undefined) {
      entry.ask.fromMs = Math.min(entry.ask.fromMs, nowMs + ADDRESSES_SETTLE_MS)
      this.improve(peer, entry, nowMs)
    }
  }

  /** It did not say. */
  onReachFailed (peer: string, nowMs: number): void {
    const entry = this.entries.get(peer)
    if (entry?.ask.isUnderWay === true) {
      const pauseMs = Math.min(this.init.reachLifeMs, ASK_AGAIN_MS * 2 ** Math.min(entry.ask.failures, 16))
      entry.ask = { fromMs: nowMs + pauseMs, failures: entry.ask.failures + 1, isUnderWay: false }
      this.improve(peer, entry, nowMs)
    }
  }

  /** A way was tried. When it worked, the connection comes by `onConnected`. */
  onTried (peer: string, way: DirectWay, worked: boolean, nowMs: number): void {
    const entry = this.entries.get(peer)
    if (entry?.trying !== way) {
      return
    }
    entry.trying = undefined
    this.underWay--
    this.timers.delete(`try ${peer}`)
    if (worked) {
      entry.failures.delete(way)
    } else {
      const count = (entry.failures.get(way)?.count ?? 0) + 1
      const pauseMs = Math.min(this.init.maxPauseMs, this.init.firstPauseMs * 2 ** Math.min(count - 1, 16))
      entry.failures.set(way, { count, untilMs: nowMs + pauseMs * (1 + PAUSE_SPREAD * randomFloat(this.random)) })
    }
    this.improveAll(nowMs)
  }

  /** This peer's own network is another one, or its NAT was found to be: what failed before may work. */
  onNetworkChanged (nowMs: number): void {
    for (const [, entry] of this.entries) {
      entry.failures.clear()
    }
    this.improveAll(nowMs)
  }

  onTimeout (nowMs: number): void {
    for (let key = this.timers.popDue(nowMs); key !== undefined; key = this.timers.popDue(nowMs)) {
      const [kind, peer = ''] = key.split(' ')
      const entry = this.entries.get(peer)
      if (kind === 'try' && entry?.trying !== undefined) {
        this.onTried(peer, entry.trying, false, nowMs)
      } else if (entry !== undefined) {
        this.improve(peer, entry, nowMs)
      }
    }
  }

  poll (): PathEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    return this.timers.nextMs()
  }

  private entry (peer: string, nowMs: number): Entry {
    let entry = this.entries.touch(peer)
    if (entry === undefined) {
      entry = {
        connections: new Map(),
        retired: new Set(),
        silent: new Set(),
        path: undefined,
        why: 'not connected yet',
        sinceMs: nowMs,
        usedMs: nowMs,
        ask: { fromMs: nowMs, failures: 0, isUnderWay: false },
        failures: new Map()
      }
      this.entries.set(peer, entry)
    }
    return entry
  }

  private drop (peer: string, entry: Entry): void {
    this.timers.delete(`try ${peer}`)
    this.timers.delete(`again ${peer}`)
    this.timers.delete(`ask ${peer}`)
    if (entry.trying !== undefined) {
      this.underWay--
    }
  }

  /** The path is the best of what stands; worse ones are let go. */
  private settle (peer: string, entry: Entry, why: string, nowMs: number): void {
    const carrying = standing(entry)
    const path = PATHS.find(path => carrying.some(connection => connection.path === path))
    if (path !== entry.path) {
      this.effects.push({ type: 'changed', peer, from: entry.path, to: path, why })
      Object.assign(entry, { path, lastPath: path ?? entry.lastPath, why, sinceMs: nowMs })
    }
    if (path === 'relayed' || path === undefined) {
      entry.retired.clear()
      return
    }
    for (const { id } of carrying.filter(connection => connection.path === 'relayed' && !entry.retired.has(connection.id))) {
      entry.retired.add(id)
      this.effects.push({ type: 'retire', peer, connection: id })
    }
  }

  private improveAll (nowMs: number): void {
    for (const [peer, entry] of this.entries) {
      this.improve(peer, entry, nowMs)
    }
  }

  private askReach (peer: string, { ask, connections }: Entry, nowMs: number): void {
    if (ask.isUnderWay || ![...connections.values()].some(({ leads }) => leads)) {
      return
    }
    if (nowMs >= ask.fromMs) {
      ask.isUnderWay = true
      this.timers.delete(`ask ${peer}`)
      this.effects.push({ type: 'ask', peer })
    } else {
      this.timers.set(`ask ${peer}`, ask.fromMs)
    }
  }

  /** Starts the next way to a better path, if there is reason to and one may be tried now. */
  private improve (peer: string, entry: Entry, nowMs: number): void {
    const isWorse = entry.path === 'relayed' || entry.path === 'bonded'
    if (!isWorse || nowMs - entry.usedMs >= this.init.idleMs) {
      return
    }
    this.askReach(peer, entry, nowMs)
    if (entry.trying !== undefined || entry.reach === undefined) {
      return
    }
    const ways = pairWays(this.init.self(), entry.reach)
    const way = ways.find(way => (entry.failures.get(way)?.untilMs ?? 0) <= nowMs)
    if (way === undefined) {
      const againMs = Math.min(...ways.map(way => entry.failures.get(way)?.untilMs ?? Infinity))
      if (againMs < Infinity) {
        this.timers.set(`again ${peer}`, againMs)
      }
    } else if (this.underWay < this.init.maxTries) {
      entry.trying = way
      this.underWay++
      this.timers.set(`try ${peer}`, nowMs + this.init.tryTimeoutMs)
      this.effects.push({ type: 'try', peer, way })
    }
  }
}

/** Those that carry, as far as is known. */
function standing ({ connections, silent }: Entry): PathConnection[] {
  return [...connections.values()].filter(({ id }) => !silent.has(id))
}
