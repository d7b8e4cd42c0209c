/**
 * Keeps ports mapped at a router: when to ask, when to renew (half of the life, as RFC 6886, §3.3, and RFC 6887, §11.2.1), when to look whether the
 * router still knows and still has its address, when to try again. A machine without I/O; `PortMapping` in node/ is its driver.
 */
import { isWorldAddress } from './external-address.ts'
import { newPortMappingCounters } from './port-mapping-counters.ts'
import { hasRestarted } from './router-epoch.ts'
import { isSameMapping } from './router-mapping.ts'
import type { Machine } from '@skein/core'
import type { PortMappingCounters } from './port-mapping-counters.ts'
import type { EpochSample } from './router-epoch.ts'
import type { MappingProblem, RouterMapping, RouterSight } from './router-mapping.ts'

/**
 * - `map`: ask the router, for the port that it gave before or the same as inside; answer with `onMapped` or `onFailed`
 * - `look`: ask what it tells of a mapping; answer with `onSight` or `onNotSeen`
 * - `unmap`: have it taken away; no answer
 * - `opened`, `closed`: others can come in there now, or no more
 */
export type PortMapperEffect =
  | { type: 'map', port: number, externalPort: number }
  | { type: 'look', mapping: RouterMapping }
  | { type: 'unmap' | 'opened' | 'closed', mapping: RouterMapping }

interface Port {
  /** When the router is to be asked; left out while it is being asked */
  dueMs?: number
  mapping?: RouterMapping
  /** When the router lets it go; left out where it never does */
  endsMs?: number
  failures: number
  problem?: MappingProblem
}

/** More ports than anybody has a reason to open: TCP and WebSocket are two. */
export const MAX_MAPPED_PORTS = 4
/** Renewals of a mapping without a life, ms. */
const PERMANENT_RENEWAL_MS = 1_800_000
/** A router that gives seconds is not asked more often, ms. */
const MIN_RENEWAL_MS = 30_000
/** Between two looks, ms: so long a router that was switched off and on may go unnoticed, at a datagram or a request each. */
const LOOK_INTERVAL_MS = 30_000
/** Looks that may stay unanswered before the router is asked to map again. */
const MAX_UNSEEN = 3
const RETRY_MS = 10_000
const MAX_RETRY_MS = 900_000
/** Of routers that cannot: a double NAT does not go away by itself, ms. */
const HOPELESS_RETRY_MS = 1_800_000

export class PortMapper implements Machine<PortMapperEffect> {
  readonly counters: PortMappingCounters = newPortMappingCounters()
  private readonly ports = new Map<number, Port>()
  private readonly effects: PortMapperEffect[] = []
  private lookMs: number | undefined
  private isLooking = false
  private unseen = 0
  private epoch: EpochSample | undefined

  get mappings (): RouterMapping[] {
    return [...this.ports.values()].flatMap(({ mapping }) => mapping ?? [])
  }

  /** Why a port is not mapped; `undefined` while none was refused. */
  get problem (): MappingProblem | undefined {
    return [...this.ports.values()].find(({ problem }) => problem !== undefined)?.problem
  }

  /** The ports that are listened at, four at most; those that are not among them any more are given up, and none end it all. */
  setPorts (ports: readonly number[], nowMs: number): void {
    const wanted = ports.slice(0, MAX_MAPPED_PORTS)
    for (const [port, { mapping }] of this.ports) {
      if (!wanted.includes(port)) {
        this.ports.delete(port)
        this.giveUp(mapping)
      }
    }
    for (const port of wanted) {
      if (!this.ports.has(port)) {
        this.ports.set(port, { dueMs: nowMs, failures: 0 })
      }
    }
    this.ask(nowMs)
  }

  onMapped (port: number, mapping: RouterMapping, nowMs: number): void {
    const state = this.ports.get(port)
    if (state === undefined) {
      this.effects.push({ type: 'unmap', mapping })
      return
    }
    this.onEpoch(mapping.epochS, nowMs)
    if (!isWorldAddress(mapping.externalAddress)) {
      this.effects.push({ type: 'unmap', mapping })
      this.onFailed(port, mapping.externalAddress === '0.0.0.0' ? 'no_external_address' : 'double_nat', nowMs)
      return
    }
    const { mapping: before } = state
    const { lifetimeMs } = mapping
    this.counters.mapped_total++
    this.ports.set(port, {
      mapping,
      failures: 0,
      dueMs: nowMs + (lifetimeMs === undefined ? PERMANENT_RENEWAL_MS : Math.max(MIN_RENEWAL_MS, lifetimeMs / 2)),
      ...lifetimeMs === undefined ? {} : { endsMs: nowMs + lifetimeMs }
    })
    if (before === undefined || !isSameMapping(before, mapping)) {
      if (before !== undefined) {
        this.counters.changes_total++
        this.effects.push({ type: 'closed', mapping: before })
      }
      this.effects.push({ type: 'opened', mapping })
    }
    this.unseen = 0
    this.lookMs ??= nowMs + LOOK_INTERVAL_MS
  }

  onFailed (port: number, problem: MappingProblem, nowMs: number): void {
    const state = this.ports.get(port)
    if (state === undefined) {
      return
    }
    state.failures++
    state.problem = problem
    this.counters.failures_total[problem]++
    const isHopeless = problem === 'double_nat' || problem === 'no_external_address'
    const waitMs = isHopeless ? HOPELESS_RETRY_MS : Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** (state.failures - 1))
    // what the router may still do for others to come in is asked for again before it ends
    const leftMs = state.endsMs === undefined ? Infinity : Math.max(RETRY_MS, (state.endsMs - nowMs) / 2)
    state.dueMs = nowMs + Math.min(waitMs, leftMs)
    if (state.mapping !== undefined && (isHopeless || (state.endsMs !== undefined && nowMs >= state.endsMs))) {
      this.close(state)
    }
  }

  onSight (sight: RouterSight, nowMs: number): void {
    this.isLooking = false
    this.unseen = 0
    this.lookAgain(nowMs)
    const isMoved = sight.externalAddress !== undefined && this.mappings.some(({ externalAddress }) => externalAddress !== sight.externalAddress)
    if (sight.isMapped === false) {
      this.counters.forgotten_total++
    }
    this.onEpoch(sight.epochS, nowMs)
    if (isMoved || sight.isMapped === false) {
      this.askAll(nowMs)
    }
    this.ask(nowMs)
  }

  /** The router did not answer to a look. */
  onNotSeen (nowMs: number): void {
    this.isLooking = false
    this.unseen++
    this.lookAgain(nowMs)
    if (this.unseen >= MAX_UNSEEN) {
      this.unseen = 0
      this.askAll(nowMs)
    }
    this.ask(nowMs)
  }

  /** This device is in another network: what was mapped leads to where it is not, and the router is another one. */
  onNetworkChanged (nowMs: number): void {
    this.epoch = undefined
    this.unseen = 0
    for (const state of this.ports.values()) {
      this.close(state)
      state.failures = 0
      // what is being asked is asked of the wrong one: the driver drops the answer
      state.dueMs = nowMs
    }
    this.ask(nowMs)
  }

  onTimeout (nowMs: number): void {
    for (const state of this.ports.values()) {
      if (state.endsMs !== undefined && nowMs >= state.endsMs) {
        this.close(state)
      }
    }
    this.ask(nowMs)
    const [mapping] = this.mappings
    if (mapping === undefined) {
      this.lookMs = undefined
    } else if (!this.isLooking && this.lookMs !== undefined && nowMs >= this.lookMs) {
      this.isLooking = true
      this.effects.push({ type: 'look', mapping })
    }
  }

  poll (): PortMapperEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    const times = [...this.ports.values()].flatMap(({ dueMs, endsMs }) => [dueMs ?? Infinity, endsMs ?? Infinity])
    const nextMs = Math.min(...times, this.isLooking ? Infinity : this.lookMs ?? Infinity)
    return nextMs === Infinity ? undefined : nextMs
  }

  private ask (nowMs: number): void {
    for (const [port, state] of this.ports) {
      if (state.dueMs !== undefined && nowMs >= state.dueMs) {
        delete state.dueMs
        this.counters.asked_total++
        this.effects.push({ type: 'map', port, externalPort: state.mapping?.externalPort ?? port })
      }
    }
  }

  /** Those that are not being asked about at this moment. */
  private askAll (nowMs: number): void {
    for (const state of this.ports.values()) {
      if (state.dueMs !== undefined) {
        state.dueMs = nowMs
      }
    }
  }

  private onEpoch (epochS: number | undefined, nowMs: number): void {
    if (epochS === undefined) {
      return
    }
    const now = { epochS, atMs: nowMs }
    if (this.epoch !== undefined && hasRestarted(this.epoch, now)) {
      this.counters.forgotten_total++
      this.askAll(nowMs)
    }
    this.epoch = now
  }

  private lookAgain (nowMs: number): void {
    this.lookMs = this.mappings.length === 0 ? undefined : nowMs + LOOK_INTERVAL_MS
  }

  private giveUp (mapping: RouterMapping | undefined): void {
    if (mapping !== undefined) {
      this.effects.push({ type: 'closed', mapping }, { type: 'unmap', mapping })
    }
  }

  private close (state: Port): void {
    if (state.mapping !== undefined) {
      this.effects.push({ type: 'closed', mapping: state.mapping })
      delete state.mapping
      delete state.endsMs
    }
  }
}
