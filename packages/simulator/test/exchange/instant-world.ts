/** Machines of peer exchange in a world without distances: a question is put, answered, and its answer heard within the same moment. */
import { MAX_PEER_RECORD_LIFE_MS, PeerExchange } from '@skein/pex'
import { RandomStream } from '../../src/index.ts'
import type { PeerExchangeInit, PeerRecord } from '@skein/pex'

export interface InstantWorldInit {
  seed: number
  stream: number
  exchange: Omit<PeerExchangeInit, 'self' | 'dials'>
  networkOf: (peer: number) => number
  reaches?: (from: number, to: number) => boolean
  /** What one answers that has no machine; undefined: it is not there */
  answer?: (stranger: number, from: number, nowMs: number) => PeerRecord[] | undefined
}

export class InstantWorld {
  nowMs = 0
  readonly machines: PeerExchange[] = []
  /** The number of the machine in each slot, if one is there */
  readonly slots: Array<number | undefined> = []
  readonly offences: string[] = []
  private readonly there = new Set<number>()
  private readonly init: InstantWorldInit
  private readonly random: RandomStream

  constructor (init: InstantWorldInit) {
    this.init = init
    this.random = new RandomStream(init.seed, init.stream)
  }

  start (slot: number, known: readonly number[]): number {
    const number = this.machines.length
    const machine = new PeerExchange({ ...this.init.exchange, self: String(number) }, this.random.generator(number), this.nowMs)
    machine.onKnown(known.map(peer => this.recordOf(peer)), this.nowMs)
    this.machines.push(machine)
    this.slots[slot] = number
    this.there.add(number)
    return number
  }

  stop (slot: number): void {
    this.there.delete(this.slots[slot] as number)
    this.slots[slot] = undefined
  }

  recordOf (peer: number, issuedAtMs = this.nowMs): PeerRecord {
    const network = this.init.networkOf(peer)
    const host = network < 0 ? '10.0.0.1' : `${60 + (network >> 16)}.${(network >> 8) & 255}.${network & 255}.7`
    return {
      peer: String(peer), issuedAtMs, expiresAtMs: issuedAtMs + MAX_PEER_RECORD_LIFE_MS, addresses: [`/ip4/${host}/tcp/4001`], envelope: new Uint8Array(190)
    }
  }

  run (untilMs: number): void {
    for (;;) {
      let [first, firstMs] = [-1, untilMs]
      for (const number of this.slots) {
        const dueMs = number === undefined ? Infinity : (this.machines[number] as PeerExchange).nextTimeoutMs()
        if (dueMs < firstMs) {
          [first, firstMs] = [number as number, dueMs]
        }
      }
      if (first < 0) {
        this.nowMs = untilMs
        return
      }
      this.nowMs = firstMs
      ;(this.machines[first] as PeerExchange).onTimeout(firstMs)
      this.drain(first)
    }
  }

  hear (stranger: number, slot: number, records: PeerRecord[], wanted: number): boolean {
    const number = this.slots[slot] as number
    const machine = this.machines[number] as PeerExchange
    machine.onAsk(String(stranger), { records, wanted }, this.nowMs)
    let answered = false
    for (let effect = machine.poll(); effect !== undefined; effect = machine.poll()) {
      answered ||= effect.type === 'answer'
      this.note(number, effect)
    }
    return answered
  }

  private drain (number: number): void {
    const machine = this.machines[number] as PeerExchange
    for (let effect = machine.poll(); effect !== undefined; effect = machine.poll()) {
      if (effect.type !== 'ask') {
        this.note(number, effect)
        continue
      }
      const { peer, wanted } = effect
      const other = Number(peer)
      const records = [...effect.records, this.recordOf(number)]
      if (this.init.reaches?.(number, other) === false) {
        machine.onAskFailed(peer)
      } else if (this.there.has(other)) {
        this.askMachine(machine, number, other, records, wanted)
      } else {
        const answer = this.init.answer?.(other, number, this.nowMs)
        if (answer === undefined) {
          machine.onAskFailed(peer)
        } else {
          machine.onAnswer(peer, answer, this.nowMs)
        }
      }
    }
  }

  private askMachine (machine: PeerExchange, number: number, other: number, records: PeerRecord[], wanted: number): void {
    const partner = this.machines[other] as PeerExchange
    partner.onAsk(String(number), { records, wanted }, this.nowMs)
    for (let reply = partner.poll(); reply !== undefined; reply = partner.poll()) {
      if (reply.type === 'answer') {
        machine.onAnswer(String(other), reply.records, this.nowMs)
      } else if (reply.type === 'refuse') {
        machine.onRefused(String(other), reply.records, this.nowMs)
      }
      this.note(other, reply)
    }
  }

  private note (number: number, effect: { type: string, reason?: string }): void {
    if (effect.type === 'penalize') {
      this.offences.push(`${number}: ${effect.reason}`)
    }
  }
}
