import { readFile } from 'node:fs/promises'
import { concatBytes, fromHex, toHex } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import {
  encodeSignalFrame, FleetSignal, MAX_SIGNAL_FRAME_BYTES, peerIdBytesOf, peerNameOf, RecordError, SIGNAL_REFUSALS, SignalFrameError, SignalFrameReader, signalOutcomeOf
} from '../src/index.ts'
import { bytesOf } from './vectors/generate-signals.ts'
import type { SignalFrame } from '../src/index.ts'

const NO_FRAME: SignalFrame = { id: 0, to: new Uint8Array(), from: new Uint8Array(), kind: '', payload: new Uint8Array(), outcome: '', retryAfterMs: 0, timeoutMs: 0 }
const NO_MESSAGE = { seed: '', id: 0, from: new Uint8Array(), to: new Uint8Array(), kind: '', payload: new Uint8Array(), lifeMs: 0, outcome: '' }

const vectors = JSON.parse(await readFile(new URL('vectors/signals.json', import.meta.url), 'utf8'))

describe('signals on the wire', () => {
  for (const { name, frame, hex } of vectors.frames) {
    it(`are written and read as in the vector: ${name}`, () => {
      expect(toHex(encodeSignalFrame(bytesOf(frame)))).to.equal(hex)
      expect(new SignalFrameReader().read(fromHex(hex))).to.deep.equal([{ ...NO_FRAME, ...bytesOf(frame) }])
    })
  }
  for (const { name, message, hex } of vectors.fleet) {
    it(`are written and read as in the vector: ${name}`, () => {
      expect(toHex(FleetSignal.encode(bytesOf(message)))).to.equal(hex)
      expect(FleetSignal.decode(fromHex(hex))).to.deep.equal({ ...NO_MESSAGE, ...bytesOf(message) })
    })
  }

  it('are in the specification as in the vectors, with all outcomes', async () => {
    const spec = await readFile(new URL('../../../docs/specs/signalling.md', import.meta.url), 'utf8')
    for (const { hex } of [...vectors.frames, ...vectors.fleet]) {
      expect(spec).to.include(`\`${hex}\``)
    }
    for (const reason of SIGNAL_REFUSALS) {
      expect(spec).to.include(`| \`${reason}\` |`)
    }
  })

  it('come out whole, however the stream is cut', () => {
    const frame = fc.record({ id: fc.nat(), kind: fc.constantFrom('offer', 'other'), payload: fc.uint8Array({ maxLength: 20_000 }), timeoutMs: fc.nat() })
    fc.assert(fc.property(fc.array(frame, { maxLength: 5 }), fc.array(fc.integer({ min: 1, max: 30_000 }), { minLength: 1, maxLength: 50 }), (frames, cuts) => {
      const stream = concatBytes(...frames.map(one => encodeSignalFrame({ ...one, payload: Uint8Array.from(one.payload) })))
      const reader = new SignalFrameReader()
      const read: SignalFrame[] = []
      for (let offset = 0, i = 0; offset < stream.length; i++) {
        const end = offset + (cuts[i % cuts.length] as number)
        read.push(...reader.read(stream.subarray(offset, end)))
        offset = end
      }
      expect(read.map(({ id, kind, payload, timeoutMs }) => ({ id, kind, payload, timeoutMs }))).to.deep.equal(frames.map(one => ({ ...one, payload: Uint8Array.from(one.payload) })))
    }), { numRuns: 50 })
  })

  it('are frames, or an error that says what is wrong: whatever comes, nothing else is thrown and no more than one frame is held', () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 20 }), chunks => {
      const reader = new SignalFrameReader()
      try {
        for (const chunk of chunks) {
          reader.read(chunk)
        }
      } catch (error) {
        expect(error).to.be.instanceOf(SignalFrameError)
      }
    }), { numRuns: 20_000 })
  }).timeout(20_000)

  const refused: Array<[string, string, string]> = [
    ['a length of more than 32 KiB', '818002', 'oversize'],
    ['a length in four bytes', '80808001', 'oversize'],
    ['a message that ends too soon', '02120a', 'malformed']
  ]
  for (const [name, hex, reason] of refused) {
    it(`end the stream with ${reason}: ${name}`, () => {
      expect(() => new SignalFrameReader().read(fromHex(hex))).to.throw(SignalFrameError).with.property('reason', reason)
    })
  }

  it('may be 32 KiB long', () => {
    const frame = encodeSignalFrame({ id: 1, payload: new Uint8Array(MAX_SIGNAL_FRAME_BYTES - 6) })
    expect(frame.length).to.equal(MAX_SIGNAL_FRAME_BYTES + 3)
    expect(new SignalFrameReader().read(frame)).to.have.length(1)
  })

  it('of a later version are read without what is not known, and an outcome that is not known is no delivery', () => {
    const [frame] = new SignalFrameReader().read(Uint8Array.of(5, 8, 1, 0xa0, 6, 9))
    expect(frame?.id).to.equal(1)
    expect(signalOutcomeOf('postponed')).to.equal('unreachable')
  })

  it('name peers by the multihash of their id', () => {
    const peer = '12D3KooWBhMbLvQGgBRZ1KcH1nFEhZ2DfGqPQnkxSpQPxvNBMoBo'
    expect(peerNameOf(peerIdBytesOf(peer))).to.equal(peer)
    for (const bytes of [new Uint8Array(), Uint8Array.of(0, 1, 2), new Uint8Array(40).fill(255)]) {
      expect(() => peerNameOf(bytes)).to.throw(RecordError).with.property('reason', 'malformed')
    }
  })
})
