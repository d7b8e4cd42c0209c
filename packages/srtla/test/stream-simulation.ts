/** A stream of bytes under virtual time: SRT in stream mode as it is, over our sender and receiver and impaired links, or over one link alone. */
import { MachineDriver, SeededRandom } from '@skein/core'
import { connectionSettings, SrtConnection, StatisticsReader } from '@skein/srt'
import { SrtlaReceiver, SrtlaSender } from '../src/index.ts'
import { EventQueue } from './event-queue.ts'
import { LinkModel } from './link-model.ts'
import type { Clock } from '@skein/core'
import type { AgreedTerms, ConnectionEffect, Established, SrtStatistics } from '@skein/srt'
import type { Origin, ReceiverGroup, SenderLink } from '../src/index.ts'
import type { LinkModelInit } from './link-model.ts'

export interface StreamSimulationInit {
  seed: number
  /** Of one alone SRT goes over it without SRTLA */
  links: LinkModelInit[]
  durationMs: number
  /** How often each side looks at what came: less often is a busy machine, ms @default 0.1 */
  lookMs?: number
  /** Called each second */
  onSecond?: (statistics: SrtStatistics, connection: SrtConnection) => void
}

export interface StreamResult {
  /** Of payload that was handed out, from the first second on */
  bitsPerSecond: number
  sent: number
  sentAgain: number
}

/** Links join within so long. */
const JOIN_MS = 4_000
const CALLER_ID = 111
const LISTENER_ID = 222

export class StreamSimulation {
  readonly queue = new EventQueue()
  private readonly init: StreamSimulationInit
  private readonly random: SeededRandom
  private readonly ways: Array<{ up: LinkModel, down: LinkModel, origin: Origin, link?: SenderLink }> = []
  private readonly sender: SrtlaSender
  private readonly receiver: SrtlaReceiver
  private group: ReceiverGroup | undefined
  private caller!: MachineDriver<ConnectionEffect, SrtConnection>
  private listener!: MachineDriver<ConnectionEffect, SrtConnection>
  private receivedBytes = 0

  constructor (init: StreamSimulationInit) {
    this.init = init
    this.random = new SeededRandom(init.seed)
    this.sender = new SrtlaSender({}, this.random, {
      toLink: (link, bytes) => { this.upwards(link.slot, bytes) },
      toLocal: bytes => { this.feed(this.caller, bytes) }
    }, 0)
    this.receiver = new SrtlaReceiver({}, this.random, {
      toLink: (link, bytes) => { this.downwards(link.port, bytes) },
      toOrigin: (origin, bytes) => { this.downwards(origin.port, bytes) },
      toListener: (group, bytes) => {
        this.group = group
        this.feed(this.listener, bytes)
      }
    })
  }

  run (): StreamResult {
    const { init, queue } = this
    init.links.forEach((model, at) => {
      this.ways.push({
        up: new LinkModel(model, this.random),
        down: new LinkModel(model, this.random),
        origin: { address: `192.0.2.${at + 1}`, port: at, family: 'IPv4' }
      })
    })
    if (this.isBonded) {
      this.ways.forEach((way, at) => { way.link = this.sender.addLink(`192.0.2.${at + 1}`, queue.nowMs) })
    }
    queue.every(10, () => {
      this.sender.onTimeout(queue.nowMs)
      this.receiver.onTimeout(queue.nowMs)
      while (this.sender.poll() !== undefined || this.receiver.poll() !== undefined) {}
    })
    queue.at(JOIN_MS - 100, () => { this.connect() })
    queue.every(2, () => { this.fill() })
    queue.runUntil(JOIN_MS)
    const statistics = new StatisticsReader(this.caller.machine)
    queue.every(1_000, () => { init.onSecond?.(statistics.read(queue.nowMs), this.caller.machine) })
    queue.runUntil(JOIN_MS + init.durationMs)
    const { pktSentTotal, pktRetransTotal } = statistics.read(queue.nowMs)
    return { bitsPerSecond: this.receivedBytes * 8_000 / init.durationMs, sent: pktSentTotal, sentAgain: pktRetransTotal }
  }

  private get isBonded (): boolean {
    return this.init.links.length > 1
  }

  private connect (): void {
    const { queue } = this
    const clock: Clock = {
      nowMs: () => queue.nowMs,
      schedule: (atMs, task) => {
        let isWanted = true
        queue.at(atMs, () => { if (isWanted) { task() } })
        return () => { isWanted = false }
      }
    }
    const settings = connectionSettings({ mode: 'stream' })
    const terms: AgreedTerms = {
      peerDropsTooLate: false,
      peerRepeatsNaks: false,
      peerKnowsRetransmitFlag: true,
      payloadBytes: settings.payloadBytes,
      peerWindowPackets: settings.receiveBufferPackets,
      peerVersion: 0x10501
    }
    const made = (socketId: number, peerSocketId: number): Established => ({
      settings, terms, socketId, peerSocketId, initialSequence: 0x7fffff00, startMs: queue.nowMs, peerTimestamp: 0, peerTimestampAtMs: queue.nowMs
    })
    const driver = (established: Established, send: (packet: Uint8Array) => void): MachineDriver<ConnectionEffect, SrtConnection> => {
      const made: MachineDriver<ConnectionEffect, SrtConnection> = new MachineDriver<ConnectionEffect, SrtConnection>({
        machine: new SrtConnection(established, queue.nowMs),
        clock,
        perform: effect => {
          if (effect.type === 'send') {
            send(effect.packet)
          } else if (effect.type === 'readable') {
            queue.at(queue.nowMs, () => { this.readAll(made) })
          }
        }
      })
      return made
    }
    this.caller = driver(made(CALLER_ID, LISTENER_ID), packet => {
      if (this.isBonded) {
        this.sender.onLocalPacket(packet, packet.length, queue.nowMs)
      } else {
        this.upwards(0, packet)
      }
    })
    this.listener = driver(made(LISTENER_ID, CALLER_ID), packet => {
      if (!this.isBonded) {
        this.downwards(0, packet)
      } else if (this.group !== undefined) {
        this.receiver.onListenerPacket(packet, packet.length, this.group, queue.nowMs)
      }
    })
    this.listener.machine.onSocketRoom(1_800)
    this.caller.input(() => {})
    this.listener.input(() => {})
  }

  private fill (): void {
    const payload = new Uint8Array(this.caller?.machine.payloadBytes ?? 0)
    for (let isTaken = payload.length > 0; isTaken;) {
      this.caller.input((machine, nowMs) => { isTaken = machine.send(payload, nowMs) })
    }
  }

  private readAll (driver: MachineDriver<ConnectionEffect, SrtConnection>): void {
    for (let bytes = 1; bytes > 0;) {
      driver.input((machine, nowMs) => { bytes = machine.read(nowMs)?.length ?? 0 })
      this.receivedBytes += this.queue.nowMs >= JOIN_MS ? bytes : 0
    }
  }

  private feed (driver: MachineDriver<ConnectionEffect, SrtConnection> | undefined, bytes: Uint8Array): void {
    const copy = bytes.slice()
    const lookMs = this.init.lookMs ?? 0.1
    this.queue.at(Math.ceil(this.queue.nowMs / lookMs) * lookMs, () => { driver?.input((machine, nowMs) => { machine.onPacket(copy, nowMs) }) })
  }

  private upwards (at: number, bytes: Uint8Array): void {
    const way = this.ways[at]
    const arrivalMs = way?.up.arrivalMs(bytes.length, this.queue.nowMs)
    if (way === undefined || arrivalMs === undefined) {
      return
    }
    const copy = bytes.slice()
    this.queue.at(arrivalMs, () => {
      const known = this.receiver.linkAt(way.origin.address, way.origin.port)
      if (!this.isBonded) {
        this.feed(this.listener, copy)
      } else if (known === undefined) {
        this.receiver.onStrangerPacket(copy, copy.length, way.origin, this.queue.nowMs)
      } else {
        this.receiver.onLinkPacket(copy, copy.length, known, this.queue.nowMs)
      }
    })
  }

  private downwards (at: number, bytes: Uint8Array): void {
    const way = this.ways[at]
    const arrivalMs = way?.down.arrivalMs(bytes.length, this.queue.nowMs)
    if (way === undefined || arrivalMs === undefined) {
      return
    }
    const copy = bytes.slice()
    this.queue.at(arrivalMs, () => {
      if (way.link === undefined) {
        this.feed(this.caller, copy)
      } else {
        this.sender.onLinkPacket(copy, copy.length, way.link, this.queue.nowMs)
      }
    })
  }
}
