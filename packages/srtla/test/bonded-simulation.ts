/** A whole bonded stream under virtual time: SRT, our sender, impaired links, our receiver, SRT. Seeded: the same numbers give the same run. */
import { SeededRandom } from '@skein/core'
import { SrtlaReceiver, SrtlaSender } from '../src/index.ts'
import { EventQueue } from './event-queue.ts'
import { LinkModel } from './link-model.ts'
import { PACKET_BYTES, SrtReceiverModel, SrtSenderModel } from './srt-model.ts'
import type { Origin, ReceiverGroup, SenderLink, SrtlaSenderInit } from '../src/index.ts'
import type { LinkModelInit } from './link-model.ts'

export interface SimulationInit {
  seed: number
  links: LinkModelInit[]
  sender?: SrtlaSenderInit
  /** Of what SRT carries */
  payloadBitsPerSecond: number
  durationMs: number
  latencyMs: number
  /** What happens while it runs */
  script?: (simulation: BondedSimulation) => void
}

export interface SimulationResult {
  sent: number
  received: number
  dropped: number
  retransmitted: number
  /** Received payload, bit/s of the time in which it was sent */
  carriedBitsPerSecond: number
  perLink: Array<{ packets: number, rttMs: number | undefined, baseRttMs: number | undefined, window: number, loss: number }>
}

const PAYLOAD_BYTES = 1_316
const FIRST = 0x7ffffff0 // wraps at once
/** A registration may be lost, and is repeated. */
const JOIN_MS = 4_000

export class BondedSimulation {
  readonly queue = new EventQueue()
  readonly sender: SrtlaSender
  readonly receiver: SrtlaReceiver
  readonly links: Array<{ up: LinkModel, down: LinkModel, link: SenderLink }> = []
  private readonly init: SimulationInit
  private readonly random: SeededRandom
  private readonly bySlot: Array<{ up: LinkModel, origin: Origin }> = []
  private readonly byPort = new Map<number, { down: LinkModel, link: SenderLink }>()
  private readonly srtSender: SrtSenderModel
  private readonly srtReceiver: SrtReceiverModel
  private group: ReceiverGroup | undefined

  constructor (init: SimulationInit) {
    this.init = init
    this.random = new SeededRandom(init.seed)
    this.sender = new SrtlaSender(init.sender ?? {}, this.random, {
      toLink: (link, bytes) => { this.upwards(link, bytes) },
      toLocal: bytes => {
        const copy = bytes.slice()
        this.queue.at(this.queue.nowMs, () => { this.srtSender.onPacket(copy) })
      }
    }, 0)
    this.receiver = new SrtlaReceiver({}, this.random, {
      toLink: (link, bytes) => { this.downwards(link.port, bytes) },
      toOrigin: (origin, bytes) => { this.downwards(origin.port, bytes) },
      toListener: (group, bytes) => {
        this.group = group
        const copy = bytes.slice()
        this.queue.at(this.queue.nowMs, () => { this.srtReceiver.onPacket(copy) })
      }
    })
    const longestMs = Math.max(...init.links.map(({ delayMs }) => delayMs))
    this.srtSender = new SrtSenderModel(this.queue, FIRST, init.latencyMs, bytes => {
      this.sender.onLocalPacket(bytes, bytes.length, this.queue.nowMs)
    })
    this.srtReceiver = new SrtReceiverModel(this.queue, FIRST, sequence => {
      const sentMs = JOIN_MS + ((sequence - FIRST) & 0x7fffffff) * this.spacingMs
      return sentMs + Math.min(20, longestMs) + init.latencyMs
    }, bytes => {
      if (this.group !== undefined) {
        this.receiver.onListenerPacket(bytes, bytes.length, this.group, this.queue.nowMs)
      }
    })
  }

  addLink (model: LinkModelInit): void {
    const port = 10_000 + this.links.length
    const address = `192.0.2.${this.links.length + 1}`
    const up = new LinkModel(model, this.random)
    const down = new LinkModel(model, this.random)
    const link = this.sender.addLink(address, this.queue.nowMs, slot => {
      this.bySlot[slot] = { up, origin: { address, port, family: 'IPv4' } }
    }) as SenderLink
    this.byPort.set(port, { down, link })
    this.links.push({ up, down, link })
  }

  run (): SimulationResult {
    const { init, queue } = this
    for (const model of init.links) {
      this.addLink(model)
    }
    queue.every(10, () => {
      this.sender.onTimeout(queue.nowMs)
      this.receiver.onTimeout(queue.nowMs)
      while (this.sender.poll() !== undefined || this.receiver.poll() !== undefined) {}
    })
    for (let atMs = JOIN_MS; atMs < JOIN_MS + init.durationMs; atMs += this.spacingMs) {
      queue.at(atMs, () => { this.srtSender.sendNext() })
    }
    for (const afterMs of [300, 600, 900]) {
      this.at(init.durationMs + afterMs, () => { this.srtSender.repeatLast() })
    }
    init.script?.(this)
    queue.runUntil(JOIN_MS + init.durationMs + init.latencyMs + 3_000)
    const { srtSender, srtReceiver } = this
    return {
      sent: srtSender.sent,
      received: srtReceiver.received,
      dropped: srtSender.sent - srtReceiver.received,
      retransmitted: srtSender.retransmitted,
      carriedBitsPerSecond: srtReceiver.received * PAYLOAD_BYTES * 8_000 / init.durationMs,
      perLink: this.links.map(({ link }) => ({
        packets: link.packets,
        rttMs: link.path.srttMs,
        baseRttMs: link.path.baseRttMs,
        window: this.sender.mode === 'classic' ? link.window / 1_000 : link.path.window,
        loss: link.path.loss
      }))
    }
  }

  /** Ms since the stream began, in the time of `queue`. */
  at (ms: number, run: () => void): void {
    this.queue.at(JOIN_MS + ms, run)
  }

  private get spacingMs (): number {
    return PAYLOAD_BYTES * 8_000 / this.init.payloadBitsPerSecond
  }

  private upwards (link: SenderLink, bytes: Uint8Array): void {
    const way = this.bySlot[link.slot]
    const arrivalMs = way?.up.arrivalMs(bytes.length, this.queue.nowMs)
    if (way === undefined || arrivalMs === undefined) {
      return
    }
    const copy = bytes.length === PACKET_BYTES ? bytes : bytes.slice()
    this.queue.at(arrivalMs, () => {
      const known = this.receiver.linkAt(way.origin.address, way.origin.port)
      if (known === undefined) {
        this.receiver.onStrangerPacket(copy, copy.length, way.origin, this.queue.nowMs)
      } else {
        this.receiver.onLinkPacket(copy, copy.length, known, this.queue.nowMs)
      }
    })
  }

  private downwards (port: number, bytes: Uint8Array): void {
    const way = this.byPort.get(port)
    const arrivalMs = way?.down.arrivalMs(bytes.length, this.queue.nowMs)
    if (way === undefined || arrivalMs === undefined) {
      return
    }
    const copy = bytes.slice()
    this.queue.at(arrivalMs, () => { this.sender.onLinkPacket(copy, copy.length, way.link, this.queue.nowMs) })
  }
}
