/** A caller and a listener under virtual time, with a network between them that loses, delays, disorders and doubles as a seed says. */
import { ManualClock, MachineDriver, randomBelow, randomFloat, SeededRandom } from '@skein/core'
import { CallerHandshake } from '../src/caller-handshake.ts'
import type { CallerEffect } from '../src/caller-handshake.ts'
import { connectionSettings } from '../src/connection-options.ts'
import type { ConnectionOptions } from '../src/connection-options.ts'
import type { Established } from '../src/established.ts'
import { ListenerHandshake } from '../src/listener-handshake.ts'
import { nodeCrypto } from '../src/node/node-crypto.ts'
import { isControl } from '../src/packet-header.ts'
import { SrtConnection } from '../src/srt-connection.ts'
import type { ConnectionEffect } from '../src/srt-connection.ts'
import { StatisticsReader } from '../src/srt-statistics.ts'
import type { SrtStatistics } from '../src/srt-statistics.ts'

export interface Network {
  lossRatio?: number
  delayMs?: number
  jitterMs?: number
  duplicateRatio?: number
  /** Bytes per second each way; what does not fit a queue of 100 ms is lost */
  bytesPerSecond?: number
  /** The process of the receiver does something else for so long in each second; the buffer of its socket holds so many packets meanwhile */
  heldUp?: { forMs: number, socketPackets: number }
}

export interface TwoEndsInit {
  seed: number
  network?: Network
  caller?: ConnectionOptions
  listener?: ConnectionOptions
  streamId?: string
  initialSequence?: number
}

const QUEUE_MS = 100
const CALLER_ID = 111
const LISTENER_ID = 222
const FROM = { address: '192.0.2.1', port: 5_000 }

export interface Arrival {
  payload: Uint8Array
  atMs: number
}

/** One side: reads all that it is given, unless told to wait. */
export class End {
  readonly arrivals: Arrival[] = []
  readonly statistics: SrtStatistics
  isReading = true
  isWritable = true
  closed?: { error?: Error }
  readonly driver: MachineDriver<ConnectionEffect, SrtConnection>
  private readonly clock: ManualClock
  private readonly reader: StatisticsReader

  constructor (established: Established, clock: ManualClock, send: (packet: Uint8Array) => void) {
    this.clock = clock
    this.driver = new MachineDriver<ConnectionEffect, SrtConnection>({
      machine: new SrtConnection(established, clock.nowMs()),
      clock,
      perform: effect => {
        if (effect.type === 'send') {
          send(effect.packet)
        } else if (effect.type === 'closed') {
          this.closed = { error: effect.error }
        } else if (effect.type === 'writable') {
          this.isWritable = true
        } else {
          this.read()
        }
      }
    })
    this.reader = new StatisticsReader(this.driver.machine)
    this.statistics = this.now()
    this.driver.input(() => {})
  }

  now (): SrtStatistics {
    return this.reader.read(this.clock.nowMs())
  }

  send (payload: Uint8Array): boolean {
    let isTaken = false
    this.driver.input((machine, nowMs) => { isTaken = machine.send(payload, nowMs) })
    this.isWritable = isTaken
    return isTaken
  }

  read (): void {
    while (this.isReading) {
      let payload: Uint8Array | undefined
      this.driver.input((machine, nowMs) => { payload = machine.read(nowMs) })
      if (payload === undefined) {
        return
      }
      this.arrivals.push({ payload, atMs: this.clock.nowMs() })
    }
  }

  close (): void {
    this.driver.input((machine, nowMs) => { machine.close(nowMs) })
  }
}

export class TwoEnds {
  readonly clock = new ManualClock(1_000)
  network: Network
  failure?: Error
  caller!: End
  listener!: End
  /** Data packets that were put on the network, and packets that it lost */
  sent = 0
  lost = 0
  private readonly random: SeededRandom
  private readonly busyUntilMs = { out: 0, back: 0 }
  private waiting = 0

  constructor (init: TwoEndsInit) {
    this.random = new SeededRandom(init.seed)
    this.network = init.network ?? {}
    this.shakeHands(init)
  }

  /** The handshake goes over the same network. */
  private shakeHands (init: TwoEndsInit): void {
    const { clock } = this
    const crypto = nodeCrypto()
    const settings = connectionSettings(init.listener ?? {})
    const listening = new ListenerHandshake({ crypto, settings })
    let response: Uint8Array | undefined
    const toCaller = (packet: Uint8Array): void => {
      this.carry(packet, 'back', copy => {
        if (this.caller === undefined) {
          calling.input((machine, nowMs) => { machine.onPacket(copy, nowMs) })
        } else {
          this.caller.driver.input((machine, nowMs) => { machine.onPacket(copy, nowMs) })
        }
      })
    }
    const toListener = (packet: Uint8Array): void => {
      this.carry(packet, 'out', copy => {
        const isHandshake = isControl(copy) && (copy[0]! & 0x7f) === 0 && copy[1] === 0
        if (!isHandshake) {
          this.listener?.driver.input((machine, nowMs) => { machine.onPacket(copy, nowMs) })
          return
        }
        const verdict = listening.onPacket(copy, FROM, clock.nowMs())
        if (verdict.type === 'reply' || verdict.type === 'refuse') {
          toCaller(verdict.packet)
        } else if (verdict.type === 'request' && response !== undefined) {
          toCaller(response)
        } else if (verdict.type === 'request') {
          const outcome = listening.accept(verdict.request, { socketId: LISTENER_ID, settings }, clock.nowMs())
          response = outcome.packet
          toCaller(outcome.packet)
          if (outcome.type === 'accepted') {
            this.listener = new End(outcome.established, clock, toCaller)
          }
        }
      })
    }
    const calling = new MachineDriver<CallerEffect, CallerHandshake>({
      machine: new CallerHandshake({
        settings: connectionSettings(init.caller ?? {}),
        crypto,
        socketId: CALLER_ID,
        initialSequence: init.initialSequence ?? randomBelow(this.random, 0x7fffffff),
        streamId: init.streamId,
        peerAddress: new Uint8Array(16),
        timeoutMs: 3_000
      }, clock.nowMs()),
      clock,
      perform: effect => {
        if (effect.type === 'send') {
          toListener(effect.packet)
        } else if (effect.type === 'established') {
          calling.stop()
          this.caller = new End(effect.established, clock, toListener)
        } else {
          this.failure = effect.error
        }
      }
    })
    calling.input(() => {})
    for (let waitedMs = 0; waitedMs < 4_000 && this.failure === undefined && this.caller === undefined; waitedMs += 10) {
      clock.advance(10)
    }
  }

  private carry (packet: Uint8Array, way: 'out' | 'back', arrive: (copy: Uint8Array) => void): void {
    const { lossRatio = 0, delayMs = 0, jitterMs = 0, duplicateRatio = 0, bytesPerSecond } = this.network
    this.sent += isControl(packet) ? 0 : 1
    if (randomFloat(this.random) < lossRatio) {
      this.lost++
      return
    }
    let queueMs = 0
    if (bytesPerSecond !== undefined) {
      const nowMs = this.clock.nowMs()
      const busyUntilMs = Math.max(nowMs, this.busyUntilMs[way])
      if (busyUntilMs - nowMs > QUEUE_MS) {
        this.lost++
        return
      }
      this.busyUntilMs[way] = busyUntilMs + packet.length / bytesPerSecond * 1_000
      queueMs = this.busyUntilMs[way] - nowMs
    }
    const copies = randomFloat(this.random) < duplicateRatio ? 2 : 1
    for (let copy = 0; copy < copies; copy++) {
      const bytes = packet.slice()
      this.clock.schedule(this.clock.nowMs() + queueMs + delayMs + randomFloat(this.random) * jitterMs, () => {
        if (way === 'out') {
          this.throughSocket(bytes, arrive)
        } else {
          arrive(bytes)
        }
      })
    }
  }

  private throughSocket (bytes: Uint8Array, arrive: (copy: Uint8Array) => void): void {
    const { forMs, socketPackets } = this.network.heldUp ?? { forMs: 0, socketPackets: 0 }
    const nowMs = this.clock.nowMs()
    const untilMs = nowMs - nowMs % 1_000 + forMs
    if (nowMs >= untilMs) {
      arrive(bytes)
    } else if (this.waiting >= socketPackets) {
      this.lost++
    } else {
      this.waiting++
      this.clock.schedule(untilMs, () => {
        this.waiting--
        arrive(bytes)
      })
    }
  }
}

/** A payload that says which it is. */
export function numbered (number: number, bytes: number): Uint8Array {
  const payload = new Uint8Array(bytes).fill(number)
  payload.set([number >>> 24, number >>> 16, number >>> 8, number])
  return payload
}

export function numberOf (payload: Uint8Array): number {
  return (payload[0]! << 24 | payload[1]! << 16 | payload[2]! << 8 | payload[3]!) >>> 0
}
