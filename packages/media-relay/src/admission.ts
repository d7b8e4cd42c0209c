/** Who is let in, by what its handshake says. Refusals have the names of SRT's access control guidelines. */
import { readStreamId, streamRole } from './stream-id.ts'
import type { Fanout } from './fanout/fanout.ts'
import type { AskedStream, StreamRole } from './stream-id.ts'
import type { StreamTable } from './stream-table.ts'

/**
 * - `bad-request`: no stream id, or none that could be one
 * - `not-found`: nobody has made that id
 * - `bad-mode`: a publisher on the port of players, or the other way round
 * - `conflict`: another one publishes it
 * - `overload`: there are as many as there may be
 */
export type Refusal = 'bad-request' | 'not-found' | 'bad-mode' | 'conflict' | 'overload'

export type PublisherAdmission = { type: 'admit', publisher: string } | { type: 'refuse', reason: Refusal }
export type PlayerAdmission = { type: 'admit', player: string, publisher: string } | { type: 'refuse', reason: Refusal }

export function admitPublisher (text: string, streams: StreamTable, fanout: Fanout, nowMs: number): PublisherAdmission {
  const asked = readStreamId(text)
  const wrong = wrongFor('publisher', asked)
  if (asked.type !== 'asked' || wrong !== undefined) {
    return { type: 'refuse', reason: wrong ?? 'bad-request' }
  }
  if (!streams.hasPublisher(asked.id)) {
    return { type: 'refuse', reason: 'not-found' }
  }
  const verdict = fanout.publisherVerdict(asked.id, nowMs)
  return verdict === 'free'
    ? { type: 'admit', publisher: asked.id }
    : { type: 'refuse', reason: verdict === 'in-use' ? 'conflict' : 'overload' }
}

export function admitPlayer (text: string, streams: StreamTable, fanout: Fanout): PlayerAdmission {
  const asked = readStreamId(text)
  const wrong = wrongFor('player', asked)
  if (asked.type !== 'asked' || wrong !== undefined) {
    return { type: 'refuse', reason: wrong ?? 'bad-request' }
  }
  const publisher = streams.publisherOf(asked.id)
  if (publisher === undefined) {
    return { type: 'refuse', reason: 'not-found' }
  }
  return fanout.playerVerdict(publisher) === 'free'
    ? { type: 'admit', player: asked.id, publisher }
    : { type: 'refuse', reason: 'overload' }
}

function wrongFor (role: StreamRole, asked: AskedStream): Refusal | undefined {
  if (asked.type !== 'asked') {
    return 'bad-request'
  }
  return streamRole(asked.id) === role && (asked.mode ?? role) === role ? undefined : 'bad-mode'
}
