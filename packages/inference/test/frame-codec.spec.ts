import { readFileSync } from 'node:fs'
import { concatBytes, fromHex, toHex } from '@skein/core'
import { sha256 } from '@noble/hashes/sha2.js'
import { expect } from 'chai'
import fc from 'fast-check'
import { AnswerWriter, decodeFrame, encodeFrame, FrameReader, InferenceError, MAX_FRAME_BYTES } from '../src/index.ts'
import type { Frame, InferenceErrorCode, InferenceEvent, JsonObject } from '../src/index.ts'

interface Vectors {
  frames: Array<{ name: string, frame: any, hex: string }>
  accepted: Array<{ name: string, frame: any, hex: string }>
  refused: Array<{ name: string, hex: string, code: InferenceErrorCode }>
  answer: { events: InferenceEvent[], frames: string[], hashed: number[] }
}

const vectors = JSON.parse(readFileSync(new URL('vectors/frames.json', import.meta.url), 'utf8')) as Vectors

/** A frame of the vectors file, with its bytes and errors made real. */
function revive (frame: any): Frame {
  switch (frame.kind) {
    case 'request': {
      const { from, ...request } = frame.request
      const beginning = from === undefined ? {} : { from: { ...from, hash: fromHex(from.hash) } }
      return { ...frame, request: { ...request, ...beginning }, nonce: fromHex(frame.nonce) }
    }
    case 'end': return { reason: undefined, ...frame, hash: fromHex(frame.hash) }
    case 'error': return { ...frame, error: new InferenceError(frame.error.code, frame.error.message, frame.error) }
    default: return frame
  }
}

function read (hex: string, maxFrameBytes = MAX_FRAME_BYTES): Frame | undefined {
  const reader = new FrameReader(maxFrameBytes)
  reader.push(fromHex(hex))
  const bytes = reader.next()
  return bytes && decodeFrame(bytes.body)
}

/** Errors compare by their fields. */
function plain (frame: Frame | undefined): unknown {
  return frame?.kind === 'error' ? { ...frame, error: { ...frame.error, message: frame.error.message } } : frame
}

describe('frames', () => {
  for (const { name, frame, hex } of vectors.frames) {
    it(`are written and read as in the vectors: ${name}`, () => {
      expect(toHex(encodeFrame(revive(frame)))).to.equal(hex)
      expect(plain(read(hex))).to.deep.equal(plain(revive(frame)))
    })
  }

  for (const { name, frame, hex } of vectors.accepted) {
    it(`are read as in the vectors: ${name}`, () => {
      expect(read(hex)).to.deep.equal(revive(frame))
    })
  }

  for (const { name, hex, code } of vectors.refused) {
    it(`are refused as in the vectors: ${name}`, () => {
      expect(() => read(hex)).to.throw(InferenceError).with.property('code', code)
    })
  }

  it('make up the answer of the vectors', () => {
    const writer = new AnswerWriter()
    const { events, frames, hashed } = vectors.answer
    expect([...events.flatMap(event => writer.write(event)), ...writer.end()].map(toHex)).to.deep.equal(frames)
    const end = read(frames.at(-1) as string)
    expect(end?.kind === 'end' && toHex(end.hash)).to.equal(toHex(sha256(concatBytes(...hashed.map(i => fromHex(frames[i] as string))))))
  })

  const request = (body: JsonObject): Frame =>
    ({ kind: 'request', request: { task: 'chat', model: 'm', body }, nonce: new Uint8Array(16), timeoutMs: 1, windowBytes: 0 })
  const refused: Array<[string, Frame, InferenceErrorCode]> = [
    ['a DELTA above 256 KiB', { kind: 'delta', seq: 0, text: 'x'.repeat(MAX_FRAME_BYTES) }, 'oversize'],
    ['a REQUEST above 4 MiB', request({ x: 'x'.repeat(4 * 1024 * 1024) }), 'oversize'],
    ['a HEAD nested deeper than 16', { kind: 'head', head: { x: JSON.parse('['.repeat(16) + ']'.repeat(16)) } }, 'invalid_request'],
    ['a body nested deeper than 32', request({ x: JSON.parse('['.repeat(32) + ']'.repeat(32)) }), 'invalid_request']
  ]
  for (const [name, frame, code] of refused) {
    it(`are not written: ${name}`, () => {
      expect(() => encodeFrame(frame)).to.throw(InferenceError).with.property('code', code)
    })
  }

  it('read an error code that a caller has no use for as backend_failed', () => {
    const bytes = encodeFrame({ kind: 'error', error: new InferenceError('no_provider', 'x', { retryable: false }) })
    const frame = decodeFrame(bytes.subarray(1))
    expect(frame.kind === 'error' && frame.error).to.include({ code: 'backend_failed', retryable: false, message: 'x' })
  })

  it('never throw anything but InferenceError, whatever the bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), bytes => {
      try {
        decodeFrame(bytes)
      } catch (error) {
        expect(error).to.be.instanceOf(InferenceError)
      }
    }), { numRuns: 2_000 })
  })

  it('never throw anything but InferenceError when bytes of a good one are changed', () => {
    const good = vectors.frames.map(({ hex }) => fromHex(hex))
    const someChanges = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 })
    fc.assert(fc.property(fc.constantFrom(...good), someChanges, (bytes, changes) => {
      const changed = Uint8Array.from(bytes)
      for (const [at, value] of changes) {
        changed[at % changed.length] = value
      }
      const reader = new FrameReader(MAX_FRAME_BYTES)
      reader.push(changed)
      try {
        for (let frame = reader.next(); frame != null; frame = reader.next()) {
          decodeFrame(frame.body)
        }
      } catch (error) {
        expect(error).to.be.instanceOf(InferenceError)
      }
    }), { numRuns: 2_000 })
  })
})

describe('FrameReader', () => {
  it('gives the same frames however the bytes are cut', () => {
    const someBodies = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 })
    const someCuts = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 })
    const prefix = (length: number): Uint8Array => length < 128 ? Uint8Array.of(length) : Uint8Array.of(length & 0x7f | 0x80, length >> 7)
    fc.assert(fc.property(someBodies, someCuts, (bodies, cuts) => {
      const wire = concatBytes(...bodies.flatMap(body => [prefix(body.length), body]))
      const reader = new FrameReader(1000)
      const frames: string[] = []
      for (let from = 0, i = 0; from < wire.length; i++) {
        const to = from + (cuts[i % cuts.length] as number)
        reader.push(wire.slice(from, to))
        for (let frame = reader.next(); frame != null; frame = reader.next()) {
          frames.push(toHex(frame.body))
        }
        from = to
      }
      expect(frames).to.deep.equal(bodies.map(toHex))
      expect(reader.bufferedBytes).to.equal(0)
    }))
  })

  it('refuses a long frame by its prefix, before it is there', () => {
    const reader = new FrameReader(1000)
    reader.push(Uint8Array.of(0xe9, 0x07))
    expect(() => reader.next()).to.throw(InferenceError).with.property('code', 'oversize')
  })
})

describe('AnswerWriter', () => {
  const texts = (events: InferenceEvent[]): string[] => {
    const writer = new AnswerWriter()
    const reader = new FrameReader(MAX_FRAME_BYTES)
    reader.push(concatBytes(...events.flatMap(event => writer.write(event)), ...writer.end()))
    const all: string[] = []
    for (let bytes = reader.next(); bytes != null; bytes = reader.next()) {
      const frame = decodeFrame(bytes.body)
      if (frame.kind === 'delta') {
        all.push(frame.text)
      }
    }
    return all
  }

  it('cuts a long text into pieces that each fit, and not within a character', () => {
    const text = 'é😀'.repeat(60_001)
    const pieces = texts([{ type: 'delta', text }])
    expect(pieces.length).to.be.above(1)
    expect(pieces.every(piece => piece.isWellFormed() && new TextEncoder().encode(piece).length <= 64 * 1024)).to.equal(true)
    expect(pieces.join('') === text).to.equal(true)
  })

  it('puts a character back together that came in two halves', () => {
    expect(texts([{ type: 'delta', text: 'a\ud83d' }, { type: 'delta', text: '\ude00b' }])).to.deep.equal(['a', '😀b'])
    expect(texts([{ type: 'delta', text: '\ud83d' }])).to.deep.equal(['\ufffd'])
  })

  it('cuts the long arguments of a tool call as OpenAI streams them', () => {
    const writer = new AnswerWriter()
    const args = JSON.stringify({ text: 'x'.repeat(400_000) })
    const frames = writer.write({ type: 'tool', calls: [{ index: 1, id: 't', function: { name: 'f', arguments: args } }] })
    const reader = new FrameReader(MAX_FRAME_BYTES)
    reader.push(concatBytes(...frames))
    const calls: any[] = []
    for (let bytes = reader.next(); bytes != null; bytes = reader.next()) {
      const frame = decodeFrame(bytes.body)
      calls.push(...frame.kind === 'tool' ? frame.calls : [])
    }
    expect(calls[0]).to.include({ index: 1, id: 't' })
    expect(calls.slice(1).every(call => call.index === 1 && call.id === undefined)).to.equal(true)
    expect(calls.map(call => call.function.arguments).join('') === args).to.equal(true)
  })

  it('sends the last usage once, and no HEAD after content', () => {
    const writer = new AnswerWriter()
    const events: InferenceEvent[] = [
      { type: 'delta', text: 'a' }, { type: 'head', head: {} }, { type: 'usage', usage: { n: 1 } }, { type: 'usage', usage: { n: 2 } }
    ]
    const kinds = [...events.flatMap(event => writer.write(event)), ...writer.end()].map(bytes => decodeFrame(bytes.subarray(1)))
    expect(kinds.map(({ kind }) => kind)).to.deep.equal(['delta', 'usage', 'end'])
    expect(kinds[1]).to.deep.equal({ kind: 'usage', usage: { n: 2 } })
  })
})
