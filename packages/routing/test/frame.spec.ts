/** Frames: every cut of the stream gives the same messages, and nothing that is sent makes the reader throw but its own error. */
import { concatBytes } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { RoutingMessage } from '../src/pb/routing.ts'
import { encodeFrame, FrameReader, MAX_FRAME_BYTES, RoutingProtocolError } from '../src/libp2p/frame.ts'
import { PeerDirectory } from '../src/libp2p/peer-directory.ts'
import { idField, messageField } from '../src/libp2p/protobuf-field.ts'
import { storeCode, storeResult } from '../src/libp2p/store-code.ts'

describe('frames', () => {
  it('come out as they went in, however the stream is cut', () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 400 })), fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }), (messages, cuts) => {
      const stream = concatBytes(...messages.map(message => encodeFrame(message)))
      const reader = new FrameReader()
      const out: Uint8Array[] = []
      for (let offset = 0, i = 0; offset < stream.length; i++) {
        const size = cuts[i % cuts.length] as number
        out.push(...reader.read(stream.slice(offset, offset + size)).map(frame => Uint8Array.from(frame)))
        offset += size
      }
      expect(out).to.deep.equal(messages)
    }))
  })

  it('may have 64 KiB and no more', () => {
    const largest = encodeFrame(new Uint8Array(MAX_FRAME_BYTES))
    expect(new FrameReader().read(largest)[0]).to.have.length(MAX_FRAME_BYTES)
    expect(() => new FrameReader().read(encodeFrame(new Uint8Array(MAX_FRAME_BYTES + 1)).subarray(0, 3))).to.throw(RoutingProtocolError)
  })

  it('arbitrary bytes give frames or a protocol error, and never hold more than one frame back', () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), chunks => {
      const reader = new FrameReader()
      try {
        chunks.forEach(chunk => { reader.read(chunk) })
      } catch (error) {
        expect(error).to.be.instanceOf(RoutingProtocolError)
      }
    }), { numRuns: 500 })
  })

  it('an id before an encoded body makes one message', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 0xffffffff }), fc.array(fc.uint8Array({ maxLength: 50 })), (id, offers) => {
      const found = RoutingMessage.encode({ found: { offers: offers as Array<Uint8Array<ArrayBuffer>>, closer: [] } })
      const message = RoutingMessage.decode(concatBytes(idField(id), found))
      expect(message.id).to.equal(id)
      expect(message.found?.offers).to.deep.equal(offers)
    }))
    expect(RoutingMessage.decode(messageField(5, new Uint8Array([10, 2, 0, 1]))).stored?.results).to.deep.equal(new Uint8Array([0, 1]))
  })

  it('junk entries are no peers', () => {
    const directory = new PeerDirectory()
    fc.assert(fc.property(fc.uint8Array({ maxLength: 120 }), entry => {
      expect(directory.fromEntry(entry)?.idBytes.length ?? 1).to.be.above(0)
    }))
    expect(directory.fromEntry(new Uint8Array(100_000))).to.equal(undefined)
  })

  it('store results keep their numbers', () => {
    expect(storeCode('stored')).to.equal(0)
    expect(storeCode('not_signer')).to.equal(15)
    expect(storeResult(2)).to.equal('replayed')
    expect(storeResult(999)).to.equal(undefined)
  })
})
