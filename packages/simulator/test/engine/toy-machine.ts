/** A machine for tests of the driver: pings others at times of its own choice, answers pings, remembers what it heard. */
import { randomBelow } from '@skein/core'
import type { Machine, Random } from '@skein/core'

export interface ToyMessage {
  type: 'ping' | 'pong'
  number: number
}

export type ToyEffect = { type: 'send', to: number, message: ToyMessage } | { type: 'heard', number: number }

export class ToyMachine implements Machine<ToyEffect> {
  readonly heard: string[] = []
  private readonly self: number
  private readonly nodes: number
  private readonly random: Random
  private readonly effects: ToyEffect[] = []
  private next = 0
  private atMs: number | undefined

  constructor (self: number, nodes: number, random: Random, nowMs: number) {
    this.self = self
    this.nodes = nodes
    this.random = random
    this.atMs = nowMs + randomBelow(random, 100)
  }

  onMessage (message: ToyMessage, from: number, nowMs: number): void {
    this.heard.push(`${nowMs} ${from} ${message.type} ${message.number}`)
    this.effects.push({ type: 'heard', number: message.number })
    if (message.type === 'ping') {
      this.effects.push({ type: 'send', to: from, message: { type: 'pong', number: message.number } })
    }
  }

  onTimeout (nowMs: number): void {
    if (this.atMs !== undefined && nowMs >= this.atMs) {
      const to = (this.self + 1 + randomBelow(this.random, this.nodes - 1)) % this.nodes
      this.effects.push({ type: 'send', to, message: { type: 'ping', number: this.next++ } })
      this.atMs = this.next < 20 ? nowMs + 1 + randomBelow(this.random, 100) : undefined
    }
  }

  poll (): ToyEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    return this.atMs
  }
}
