/**
 * Streams that peers of the mesh have a relay take in for them, under ids of their own choice: as long as one listens, and a little longer, so that
 * an interruption on its side does not end the encoder's connection.
 */
import { readStreamId, STREAM_ID_PREFIXES, streamRole } from './stream-id.ts'
import type { Machine } from '@skein/core'
import type { Refusal } from './admission.ts'
import type { StreamTable } from './stream-table.ts'

export interface IngestTableInit {
  /** Streams at once @default 32 */
  maxIngests?: number
  /** Of one peer @default 2 */
  maxPerPeer?: number
  /** After the last who listened has gone, ms @default 30_000 */
  graceMs?: number
}

/** Nobody takes anything in for that peer any more: its publisher has to go. */
export interface IngestEffect { type: 'released', publisher: string }

/** Whoever knows an id may publish by it, and anybody may ask: 16 characters of base64url are 96 bits. */
export const LEAST_TOKEN_CHARACTERS = 16

interface Ingest {
  peer: string
  listeners: number
  endsMs: number
}

export class IngestTable implements Machine<IngestEffect> {
  private readonly init: Required<IngestTableInit>
  private readonly streams: StreamTable
  /** By publisher id; bounded by `maxIngests` */
  private readonly ingests = new Map<string, Ingest>()
  private readonly effects: IngestEffect[] = []

  constructor (streams: StreamTable, init: IngestTableInit = {}) {
    this.streams = streams
    this.init = { maxIngests: 32, maxPerPeer: 2, graceMs: 30_000, ...init }
  }

  get size (): number {
    return this.ingests.size
  }

  /** A peer wants what is published under that id; after `ok` tell when it has gone. */
  onAsked (publisher: string, peer: string, nowMs: number): 'ok' | Refusal {
    const asked = readStreamId(publisher)
    if (asked.type !== 'asked' || asked.id !== publisher || publisher.length < STREAM_ID_PREFIXES.publisher.length + LEAST_TOKEN_CHARACTERS) {
      return 'bad-request'
    }
    if (streamRole(publisher) !== 'publisher') {
      return 'bad-mode'
    }
    this.onTimeout(nowMs)
    const known = this.ingests.get(publisher)
    if (known !== undefined) {
      if (known.peer !== peer) {
        return 'conflict'
      }
      known.listeners++
      return 'ok'
    }
    if (this.streams.hasPublisher(publisher)) {
      return 'conflict'
    }
    const ofPeer = [...this.ingests.values()].filter(ingest => ingest.peer === peer).length
    if (this.ingests.size >= this.init.maxIngests || ofPeer >= this.init.maxPerPeer) {
      return 'overload'
    }
    this.ingests.set(publisher, { peer, listeners: 1, endsMs: Infinity })
    this.streams.hold(publisher)
    return 'ok'
  }

  onLeft (publisher: string, nowMs: number): void {
    const ingest = this.ingests.get(publisher)
    if (ingest !== undefined) {
      ingest.listeners--
      ingest.endsMs = nowMs + this.init.graceMs
    }
  }

  onTimeout (nowMs: number): void {
    for (const [publisher, { listeners, endsMs }] of this.ingests) {
      if (listeners === 0 && nowMs >= endsMs) {
        this.ingests.delete(publisher)
        this.streams.release(publisher)
        this.effects.push({ type: 'released', publisher })
      }
    }
  }

  poll (): IngestEffect | undefined {
    return this.effects.shift()
  }

  nextTimeoutMs (): number | undefined {
    const ends = [...this.ingests.values()].filter(({ listeners }) => listeners === 0).map(({ endsMs }) => endsMs)
    return ends.length === 0 ? undefined : Math.min(...ends)
  }
}
