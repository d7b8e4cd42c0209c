/** Turns the events of one answer into frames: numbers the content, cuts long pieces, hashes, and keeps what END says. */
import { sha256 } from '@noble/hashes/sha2.js'
import { encodeFrame } from './frame-codec.ts'
import { isJsonObject } from './json-text.ts'
import { MAX_TEXT_BYTES } from './limits.ts'
import type { InferenceEvent } from './backend.ts'
import type { DeltaFrame, ToolFrame } from './frame-codec.ts'
import type { JsonObject, JsonValue } from './json.ts'

/** In UTF-16 units, of which each takes at most 3 bytes of UTF-8. */
const MAX_TEXT_UNITS = Math.floor(MAX_TEXT_BYTES / 3)

export class AnswerWriter {
  private seq = 0
  private readonly hash = sha256.create()
  private headSent = false
  private lastUsage?: JsonObject
  private reason?: string
  /** First half of a character whose second half has not come yet; half a character has no UTF-8 */
  private half = ''

  /** Content frames so far. */
  get count (): number {
    return this.seq
  }

  /** What the backend counted, as END is preceded by it. */
  get usage (): JsonObject | undefined {
    return this.lastUsage
  }

  /** The frames for one event, none or several. @throws {InferenceError} when a piece cannot be written */
  write (event: InferenceEvent): Uint8Array[] {
    switch (event.type) {
      case 'head': {
        if (this.headSent || this.seq > 0) {
          return []
        }
        this.headSent = true
        return [encodeFrame({ kind: 'head', head: event.head, continued: event.continued })]
      }
      case 'delta': return event.chunk == null ? this.text(event.text) : [...this.flush(), this.delta(event.text, event.chunk)]
      case 'tool': return [...this.flush(), ...splitCalls(event.calls).map(calls => this.content({ kind: 'tool', seq: this.seq, calls }))]
      case 'usage': {
        this.lastUsage = event.usage // some servers count along with each chunk: the last one holds
        return []
      }
      case 'finish': {
        this.reason = event.reason
        return []
      }
    }
  }

  /** The last frames of a complete answer. */
  end (): Uint8Array[] {
    const frames = this.flush()
    if (this.lastUsage != null) {
      frames.push(encodeFrame({ kind: 'usage', usage: this.lastUsage }))
    }
    frames.push(encodeFrame({ kind: 'end', count: this.seq, hash: this.hash.digest(), reason: this.reason }))
    return frames
  }

  private text (added: string): Uint8Array[] {
    const text = this.half + added
    const whole = isHighSurrogate(text.charCodeAt(text.length - 1)) ? text.slice(0, -1) : text
    this.half = text.slice(whole.length)
    return cutText(whole).map(piece => this.delta(piece))
  }

  private flush (): Uint8Array[] {
    const { half } = this
    this.half = ''
    return half === '' ? [] : [this.delta(half)]
  }

  private delta (text: string, chunk?: JsonObject): Uint8Array {
    return this.content({ kind: 'delta', seq: this.seq, text: text.toWellFormed(), chunk })
  }

  private content (frame: DeltaFrame | ToolFrame): Uint8Array {
    const bytes = encodeFrame(frame)
    this.seq++
    this.hash.update(bytes)
    return bytes
  }
}

function isHighSurrogate (unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}

function cutText (text: string): string[] {
  if (text === '') {
    return []
  }
  const pieces: string[] = []
  for (let from = 0; from < text.length;) {
    let to = Math.min(text.length, from + MAX_TEXT_UNITS)
    if (to < text.length && isHighSurrogate(text.charCodeAt(to - 1))) {
      to--
    }
    pieces.push(text.slice(from, to))
    from = to
  }
  return pieces
}

/** Long arguments of a call are cut as OpenAI streams them: pieces of the same `index` are appended to each other. */
function splitCalls (calls: JsonValue[]): JsonValue[][] {
  const batches: JsonValue[][] = []
  let batch: JsonValue[] = []
  for (const call of calls) {
    const args = isJsonObject(call) && isJsonObject(call.function) ? call.function.arguments : undefined
    if (!isJsonObject(call) || typeof call.index !== 'number' || typeof args !== 'string' || args.length <= MAX_TEXT_UNITS) {
      batch.push(call)
      continue
    }
    const [first, ...rest] = cutText(args)
    batches.push([...batch, { ...call, function: { ...(call.function as JsonObject), arguments: first } }])
    batch = []
    for (const piece of rest) {
      batches.push([{ index: call.index, function: { arguments: piece } }])
    }
  }
  return batch.length > 0 ? [...batches, batch] : batches
}
