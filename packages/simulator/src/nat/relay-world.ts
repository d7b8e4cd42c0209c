/**
 * A network of devices behind NATs that call models and serve them, for hours: which bytes go through relays. Callers are as many at any time, each a
 * device for as long as it is online, then another one; so are the providers of each model. A caller has chats: a number of questions to one model,
 * each after a while of thought. A circuit is one of the two relays of its provider, as their ledgers allow.
 */
import { MachineDriver } from '@skein/core'
import { HeapClock } from '../engine/heap-clock.ts'
import { QuantileTable } from '../engine/quantile-table.ts'
import { RandomStream } from '../engine/random-stream.ts'
import { drawDevice } from './device-reach.ts'
import { normalFloat } from './normal-float.ts'
import { RelayCaller } from './relay-caller.ts'
import { RelayProviders } from './relay-provider.ts'
import { RelayTally } from './relay-tally.ts'
import type { RelayBudgetInit } from '@skein/reachability'
import type { SessionLength } from '../engine/session-length.ts'
import type { DeviceSkills } from './device-reach.ts'
import type { NatPopulation } from './nat-mix.ts'
import type { CallerWorld } from './relay-caller.ts'
import type { ChooseProvider, RelayCircuit, RelayPort } from './relay-ports.ts'
import type { RelayProvider } from './relay-provider.ts'

export interface RelayWorldInit {
  seed: number
  /** The first of four streams */
  stream: number
  population: NatPopulation
  skills: DeviceSkills
  /** Devices that are online and call */
  callers: number
  models: number
  /** Of them that one device calls */
  favourites: number
  /** Providers of each model at any time */
  providers: number
  sessions: SessionLength
  chatsPerHour: number
  /** Questions of a chat, on average */
  turns: number
  /** Between an answer and the next question, ms, and the spread of its logarithm */
  think: { medianMs: number, spread: number }
  /** Tokens of an answer, and the spread of their logarithm */
  answer: { medianTokens: number, spread: number }
  /** Tokens/s of a provider, and the spread of their logarithm */
  speed: { median: number, spread: number }
  roundTrip: { medianMs: number, spread: number }
  punchSuccess: number
  firstAttempt: number
  relays: number
  relay: () => RelayPort
  choose: ChooseProvider
  budget?: RelayBudgetInit
  /** After a relayed answer the other providers of the model are connected too */
  scouting: boolean
  /** How long a call waits for a better path rather than go through a relay that was just dialled, ms */
  patienceMs: number
}

/** What the protocol puts around the text of a token, and what the circuit carries around that, bytes. */
const BYTES_PER_TOKEN = 16
const CIRCUIT_OVERHEAD = 3
const HOUR_MS = 3_600_000
/** Between which progress is told. */
const STEPS = 50
/** Random numbers of one chat; each question takes five. */
const CHAT_NUMBERS = 1_024
const MAX_TURNS = 200
const FIRST_FAVOURITE = 32
const MAX_DEVICES = 2 ** 26

export class RelayWorld {
  private readonly init: RelayWorldInit
  private readonly clock = new HeapClock()
  private readonly devices: RandomStream
  private readonly pairs: RandomStream
  private readonly chats: RandomStream
  private readonly generators: RandomStream
  private readonly providers: RelayProviders
  private readonly relays: Array<MachineDriver<{ type: 'reset', circuit: RelayCircuit }, RelayPort>>
  private readonly circuits = new Map<RelayCircuit, { relay: number, onReset: () => void }>()
  private readonly on: QuantileTable
  private readonly callerWorld: CallerWorld
  private tally: RelayTally | undefined
  private serial = 0

  constructor (init: RelayWorldInit) {
    this.init = init
    this.devices = new RandomStream(init.seed, init.stream)
    this.pairs = new RandomStream(init.seed, init.stream + 1)
    this.chats = new RandomStream(init.seed, init.stream + 2)
    this.generators = new RandomStream(init.seed, init.stream + 3)
    this.on = new QuantileTable(init.sessions.quantile)
    const onRest = new QuantileTable(init.sessions.restQuantile)
    this.relays = Array.from({ length: init.relays }, () => new MachineDriver({
      machine: init.relay(),
      clock: this.clock,
      perform: ({ circuit }) => { this.onReset(circuit) }
    }))
    this.providers = new RelayProviders({
      ...init, each: init.providers, on: this.on, onRest, random: this.devices, nextSerial: () => this.nextSerial(), clock: this.clock
    })
    this.callerWorld = this.worldOfCallers()
    for (let i = 0; i < init.callers; i++) {
      this.arrive(onRest)
    }
  }

  /** Lets the time pass, and gives back what came of it; nothing is in that when it is not to be counted. */
  run (hours: number, counts: 'counted' | undefined, onProgress: (part: number) => void = () => {}): RelayTally {
    const tally = new RelayTally()
    this.tally = counts === undefined ? undefined : tally
    for (let step = 0; step < STEPS; step++) {
      this.clock.advance(hours * HOUR_MS / STEPS)
      onProgress((step + 1) / STEPS)
    }
    this.tally = undefined
    return tally
  }

  private nextSerial (): number {
    if (this.serial === MAX_DEVICES) {
      throw new RangeError(`More than ${MAX_DEVICES} devices came: fewer callers or fewer hours`)
    }
    return this.serial++
  }

  private arrive (stays: QuantileTable): void {
    const { clock, devices, generators, init } = this
    const serial = this.nextSerial()
    const caller = new RelayCaller(this.callerWorld, serial, drawDevice(init.population, init.skills, devices, serial), generators.generator(serial))
    const endsMs = clock.nowMs() + stays.draw(devices.uint32(serial, 30))
    this.chat(caller, serial, 0, endsMs)
    clock.schedule(endsMs, () => {
      caller.stop()
      this.arrive(this.on)
    })
  }

  /** One chat after the other, begun as a Poisson process: two may go on at once. */
  private chat (caller: RelayCaller, serial: number, number: number, endsMs: number): void {
    const { chats, clock, init } = this
    const counter = number * CHAT_NUMBERS
    const atMs = clock.nowMs() - Math.log(1 - chats.float(serial, counter)) * HOUR_MS / init.chatsPerHour
    if (atMs < endsMs) {
      clock.schedule(atMs, () => {
        const favourite = Math.floor(chats.float(serial, counter + 1) * init.favourites)
        const model = Math.floor(this.devices.float(serial, FIRST_FAVOURITE + favourite) * init.models)
        this.ask(caller, serial, model, counter + 2, 1, endsMs)
        this.chat(caller, serial, number + 1, endsMs)
      })
    }
  }

  private ask (caller: RelayCaller, serial: number, model: number, counter: number, turn: number, endsMs: number): void {
    const { chats, clock, init: { answer, think, turns } } = this
    const tokens = Math.max(1, Math.round(answer.medianTokens * Math.exp(answer.spread * normalFloat(chats, serial, counter))))
    caller.call(model, { tokens, bytes: tokens * BYTES_PER_TOKEN }, () => {
      const atMs = clock.nowMs() + think.medianMs * Math.exp(think.spread * normalFloat(chats, serial, counter + 2))
      if (chats.float(serial, counter + 4) >= 1 / turns && turn < MAX_TURNS && atMs < endsMs) {
        clock.schedule(atMs, () => { this.ask(caller, serial, model, counter + 5, turn + 1, endsMs) })
      }
    })
  }

  private worldOfCallers (): CallerWorld {
    const { clock, init } = this
    return {
      clock,
      skills: init.skills,
      budget: init.budget ?? {},
      patienceMs: init.patienceMs,
      scouting: init.scouting,
      choose: init.choose,
      providersOf: model => this.providers.of(model),
      openCircuit: (caller, provider, onReset) => this.openCircuit(caller, provider, onReset),
      closeCircuit: circuit => { this.closeCircuit(circuit) },
      carry: (circuit, bytes) => this.carry(circuit, bytes),
      roundTripMs: (a, b) => this.roundTripMs(a, b),
      relayedRoundTripMs: (caller, { serial, relays: [relay] }) =>
        this.roundTripMs(caller, MAX_DEVICES + relay) + this.roundTripMs(serial, MAX_DEVICES + relay),
      observerRoundTripMs: device => this.roundTripMs(device, MAX_DEVICES),
      isLucky: (a, b) => this.pairs.float(pairOf(a, b), 4) < init.punchSuccess,
      worksAtOnce: (a, b) => this.pairs.float(pairOf(a, b), 5) < init.firstAttempt,
      tally: () => this.tally
    }
  }

  private roundTripMs (a: number, b: number): number {
    const { medianMs, spread } = this.init.roundTrip
    return medianMs * Math.exp(spread * normalFloat(this.pairs, pairOf(a, b), 0))
  }

  private openCircuit (caller: string, provider: RelayProvider, onReset: () => void): RelayCircuit | undefined {
    const nowMs = this.clock.nowMs()
    for (const relay of provider.relays) {
      let circuit: RelayCircuit | undefined
      this.relays[relay]?.input(ledger => {
        ledger.onReserve(provider.peer, nowMs) // it renews what it has before it ends
        const decision = ledger.onConnect(caller, provider.peer, nowMs)
        if (decision.granted) {
          circuit = decision.circuit
        } else {
          this.tally?.onRefused(decision.reason)
        }
      })
      if (circuit !== undefined) {
        this.circuits.set(circuit, { relay, onReset })
        return circuit
      }
    }
    return undefined
  }

  private closeCircuit (circuit: RelayCircuit): void {
    const open = this.circuits.get(circuit)
    if (open !== undefined) {
      this.circuits.delete(circuit)
      this.relays[open.relay]?.input(ledger => { ledger.onCircuitEnded(circuit) })
    }
  }

  private carry (circuit: RelayCircuit, bytes: number): boolean {
    const open = this.circuits.get(circuit)
    let reason: string | undefined
    if (open !== undefined) {
      this.relays[open.relay]?.input((ledger, nowMs) => { reason = ledger.onBytes(circuit, 'to_source', CIRCUIT_OVERHEAD * bytes, nowMs) })
    }
    return open !== undefined && reason === undefined
  }

  private onReset (circuit: RelayCircuit): void {
    const open = this.circuits.get(circuit)
    this.circuits.delete(circuit)
    open?.onReset()
  }
}

function pairOf (a: number, b: number): number {
  return Math.min(a, b) * 2 ** 27 + Math.max(a, b)
}
