/** Offers and machines of overlays for tests: effects are carried out by nobody, but kept. */
import { SeededRandom } from '@skein/core'
import { ModelOverlays } from '../src/index.ts'
import type { ModelOverlaysInit, OverlayEffect } from '../src/index.ts'
import type { Offer, SignedOffer } from '@skein/records'

export const START_MS = 1_800_000_000_000

export function offerOf (peer: string, fields: Partial<Offer> = {}): Offer {
  const issuedAtMs = fields.issuedAtMs ?? START_MS
  return {
    peer,
    model: 'm',
    tasks: ['chat'],
    effectiveContext: 8192,
    tokensPerSecond: 30,
    queueDepth: 0,
    maxConcurrent: 4,
    priceMicros: 0,
    region: 'eu-west',
    tier: 2,
    deterministic: false,
    addresses: [],
    seq: issuedAtMs,
    issuedAtMs,
    expiresAtMs: issuedAtMs + 120_000,
    withdrawn: false,
    ...fields
  }
}

export function signedOf (peer: string, fields: Partial<Offer> = {}): SignedOffer {
  return { offer: offerOf(peer, fields), envelope: new Uint8Array(0) }
}

/** One peer's overlays, and the time. */
export class OverlayTrial {
  readonly machine: ModelOverlays
  nowMs = START_MS
  /** What came of it, with the time */
  readonly effects: Array<OverlayEffect & { atMs: number }> = []

  constructor (init: Partial<ModelOverlaysInit> = {}, seed = 1) {
    this.machine = new ModelOverlays({ self: 'self', ...init }, new SeededRandom(seed))
  }

  feed (input: (machine: ModelOverlays, nowMs: number) => void): this {
    input(this.machine, this.nowMs)
    this.drain()
    return this
  }

  /** Lets time pass, and each time-out come when it is due. */
  pass (ms: number): this {
    const untilMs = this.nowMs + ms
    for (let nextMs = this.machine.nextTimeoutMs(); nextMs !== undefined && nextMs <= untilMs; nextMs = this.machine.nextTimeoutMs()) {
      this.nowMs = Math.max(this.nowMs, nextMs)
      this.machine.onTimeout(this.nowMs)
      this.drain()
    }
    this.nowMs = untilMs
    return this
  }

  /** So many providers of a model come in sight, or are still there. */
  see (count: number, model = 'm'): this {
    return this.feed((machine, nowMs) => {
      for (let i = 0; i < count; i++) {
        machine.onSighting(model, { peer: `p${i}`, addresses: [`/ip4/192.0.2.${i % 250}/tcp/4001`] }, nowMs)
      }
    })
  }

  serve (model = 'm', queueDepth = 0): this {
    return this.feed((machine, nowMs) => { machine.onServe(model, { queueDepth, maxConcurrent: 4 }, nowMs) })
  }

  call (times: number, model = 'm'): this {
    for (let i = 0; i < times; i++) {
      this.feed((machine, nowMs) => { machine.onCall(model, nowMs) })
    }
    return this
  }

  of<T extends OverlayEffect['type']> (type: T): Array<Extract<OverlayEffect, { type: T }> & { atMs: number }> {
    return this.effects.filter(effect => effect.type === type) as unknown as Array<Extract<OverlayEffect, { type: T }> & { atMs: number }>
  }

  private drain (): void {
    for (let effect = this.machine.poll(); effect !== undefined; effect = this.machine.poll()) {
      this.effects.push({ ...effect, atMs: this.nowMs })
    }
  }
}
