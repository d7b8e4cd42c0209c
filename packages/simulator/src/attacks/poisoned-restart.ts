/**
 * A restart with a poisoned address book, by the machines that ship: `AddressTables` filled as a node's life and an attacker fill it, kept and read
 * again as after a crash, and `OutboundKeeper` with `DialLimits` that makes connections from it.
 */
import { AddressTables, DialLimits, OutboundKeeper } from '@skein/pex'
import { MachineDriver, randomBelow, randomBytes, randomFloat, shuffle } from '@skein/core'
import type { KnownAddress, OutboundEffect } from '@skein/pex'
import type { Clock, Random } from '@skein/core'

export interface PoisonedRestartInit {
  /** Addresses that it was connected to, and the share of them that are the attacker's */
  tried: number
  triedSybils: number
  /** Honest addresses that it only heard of, and those of the attacker for each of them */
  heard: number
  poison: number
  /** /16s that the attacker's addresses, and those who tell of them, are in */
  networks: number
  /** Share of the honest addresses at which somebody answers */
  online: number
  /**
   * - `kept`: the two connections that stood longest, of which nine in ten still answer
   * - `stale`: two that answer no more
   * - `gone`: none, as when the crash came before they were written
   */
  anchors: 'kept' | 'stale' | 'gone'
}

export interface RestartOutcome {
  /** Connections of its own making: to honest nodes, and to the attacker's */
  honest: number
  sybil: number
  dials: number
  /** Until the first honest one stood, ms; undefined if none did */
  firstMs: number | undefined
  /** Of the book: new addresses, and those of the attacker */
  fresh: number
  freshSybil: number
  /** Whether the first eight that answer of the book, in any order, are all the attacker's; and of all that was told, had it been kept in a list */
  randomCutOff: boolean
  listCutOff: boolean
}

const WAIT_MS = 300_000
const CONNECT_MS = 80
const REFUSED_MS = 3_000
const OUTBOUND = 8
const ANCHOR_ONLINE = 0.9
/** /16s in which honest addresses are. */
const HONEST_NETWORKS = 5_000

export function restartPoisoned (init: PoisonedRestartInit, random: Random): RestartOutcome {
  const startMs = 1_700_000_000_000
  const key = randomBytes(random, 16)
  const tables = new AddressTables({ key })
  const serials = { honest: 0, sybil: 0 }
  const draw = (kind: 'honest' | 'sybil'): { peer: string, address: string } => {
    const serial = serials[kind]++
    const network = kind === 'honest' ? randomBelow(random, HONEST_NETWORKS) : HONEST_NETWORKS + randomBelow(random, init.networks)
    const [a, b] = [16 + Math.floor(network / 256), network % 256]
    return { peer: `${kind} ${serial}`, address: `/ip4/${a}.${b}.${randomBelow(random, 256)}.${randomBelow(random, 254) + 1}/tcp/4001` }
  }
  const list: string[] = []
  for (let i = 0; i < init.tried; i++) {
    const { peer, address } = draw(randomFloat(random) < init.triedSybils ? 'sybil' : 'honest')
    list.push(peer)
    tables.onConnected(peer, address, startMs - 3_600_000 + i * 1000)
  }
  const tellings = Math.round(init.heard * (1 + init.poison))
  const told = shuffle(random, Array.from({ length: tellings }, (_, i) => i < init.heard ? 'honest' as const : 'sybil' as const))
  for (const kind of told) {
    const { peer, address } = draw(kind)
    list.push(peer)
    tables.add(peer, [address], draw(kind)) // who tells is of the same kind, and in a network of its own drawing
  }

  // what was kept, as it is read again
  const known = JSON.parse(JSON.stringify([...tables.values()])) as KnownAddress[]
  const book = new AddressTables({ key, known })
  const tried = known.filter(entry => entry.tried)
  const anchors = init.anchors === 'gone' ? [] : shuffle(random, [...tried]).slice(0, 2).map(({ peer }) => peer)
  const answers = new Map<string, boolean>()
  const answersAt = (peer: string): boolean => {
    let answer = answers.get(peer)
    if (answer === undefined) {
      const online = anchors.includes(peer) ? (init.anchors === 'kept' ? ANCHOR_ONLINE : 0) : init.online
      answer = isSybil(peer) ? init.anchors === 'kept' || !anchors.includes(peer) : randomFloat(random) < online
      answers.set(peer, answer)
    }
    return answer
  }

  const events = new EventList(startMs)
  let [dials, firstMs] = [0, undefined as number | undefined]
  const connected = new Set<string>()
  const keeper: MachineDriver<OutboundEffect, OutboundKeeper> = new MachineDriver({
    machine: new OutboundKeeper({ tables: book, dials: new DialLimits(), anchors }, random, startMs),
    clock: events,
    perform: effect => {
      if (effect.type === 'dial') {
        dials++
        const { peer, addresses } = effect
        events.schedule(events.nowMs() + (answersAt(peer) ? CONNECT_MS : REFUSED_MS), () => {
          if (answersAt(peer)) {
            connected.add(peer)
            keeper.input((machine, nowMs) => { machine.onConnected(peer, addresses[0], nowMs) })
            if (!isSybil(peer) && keeper.machine.reserved.includes(peer)) {
              firstMs ??= events.nowMs() - startMs
            }
          } else {
            keeper.input(machine => { machine.onDialFailed(peer) })
          }
        })
      } else if (effect.type === 'close') {
        connected.delete(effect.peer)
        keeper.input((machine, nowMs) => { machine.onDisconnected(effect.peer, nowMs) })
      }
    }
  })
  keeper.input(() => {})
  events.run(startMs + WAIT_MS, () => keeper.machine.reserved.length >= OUTBOUND)
  const { reserved } = keeper.machine
  keeper.stop()
  const fresh = known.filter(entry => !entry.tried)
  const sybil = reserved.filter(isSybil).length
  const isCutOff = (peers: string[]): boolean => shuffle(random, peers).filter(answersAt).slice(0, OUTBOUND).every(isSybil)
  return {
    honest: reserved.length - sybil,
    sybil,
    dials,
    firstMs,
    fresh: fresh.length,
    freshSybil: fresh.filter(({ peer }) => isSybil(peer)).length,
    randomCutOff: isCutOff(known.map(({ peer }) => peer)),
    listCutOff: isCutOff(list)
  }
}

function isSybil (peer: string): boolean {
  return peer.startsWith('sybil')
}

/** The clock of one node: what it scheduled, in the order of time. */
class EventList implements Clock {
  private now: number
  private serial = 0
  private events: Array<{ atMs: number, serial: number, task: () => void }> = []

  constructor (startMs: number) {
    this.now = startMs
  }

  nowMs (): number {
    return this.now
  }

  schedule (atMs: number, task: () => void): () => void {
    const event = { atMs: Math.max(atMs, this.now), serial: this.serial++, task }
    this.events.push(event)
    return () => { this.events = this.events.filter(other => other !== event) }
  }

  run (untilMs: number, isDone: () => boolean): void {
    while (this.events.length > 0 && !isDone()) {
      const next = this.events.reduce((a, b) => b.atMs < a.atMs || (b.atMs === a.atMs && b.serial < a.serial) ? b : a)
      if (next.atMs > untilMs) {
        return
      }
      this.events = this.events.filter(other => other !== next)
      this.now = next.atMs
      next.task()
    }
  }
}
