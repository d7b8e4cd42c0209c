import { fromHex, toHex } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { featuresBody, readFeatures, textOfWords, wordsOfText } from '../src/handshake-extension.ts'
import { addressField, EXTENSION_TYPES, handshakePacket, readHandshake } from '../src/handshake-packet.ts'
import { extensionOf } from '../src/handshake-terms.ts'
import { destination, timestamp } from '../src/packet-header.ts'
import { rejectReasonOf } from '../src/reject-reason.ts'
import { FILE_CALLER, LIVE_CALLER, LIVE_LISTENER } from './handshake-vectors.ts'

const all = { ...prefixed('live caller', LIVE_CALLER), ...prefixed('live listener', LIVE_LISTENER), ...prefixed('file caller', FILE_CALLER) }

function prefixed (name: string, vectors: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(vectors).map(([key, hex]) => [`${name}: ${key}`, hex]))
}

describe('handshake packets', () => {
  for (const [name, hex] of Object.entries(all)) {
    it(`reads and writes that of a ${name}`, () => {
      const packet = fromHex(hex)
      const handshake = readHandshake(packet)
      expect(handshake).not.equal(undefined)
      expect(toHex(handshakePacket(handshake!, { timestamp: timestamp(packet), destination: destination(packet) }))).equal(hex)
    })
  }

  it('have the features, the stream id and the congestion control that libsrt means', () => {
    const live = readHandshake(fromHex(LIVE_CALLER.conclusion))!
    expect(live).includes({ version: 5, encryption: 2, extensionField: 7, mss: 1500, flowWindowPackets: 8192, type: 0xffffffff, cookie: 0x5ec2b7ad })
    expect(readFeatures(extensionOf(live, EXTENSION_TYPES.handshakeRequest)!)).deep.equal({
      version: 0x010501, flags: 0xbf, receiveLatencyMs: 300, sendLatencyMs: 300
    })
    expect(textOfWords(extensionOf(live, EXTENSION_TYPES.streamId)!)).equal('live/one')
    const file = readHandshake(fromHex(FILE_CALLER.conclusion))!
    expect(textOfWords(extensionOf(file, EXTENSION_TYPES.streamId)!)).equal('hostname')
    expect(textOfWords(extensionOf(file, EXTENSION_TYPES.congestion)!)).equal('file')
    expect(toHex(live.peerAddress)).equal(toHex(addressField('127.0.0.1')))
  })

  const refusals: Array<[keyof typeof LIVE_LISTENER, string]> = [['badSecret', 'bad-secret'], ['messageApi', 'message-api'], ['unsecure', 'unsecure']]
  for (const [name, reason] of refusals) {
    it(`say "${reason}" in type ${readHandshake(fromHex(LIVE_LISTENER[name]))!.type}`, () => {
      expect(rejectReasonOf(readHandshake(fromHex(LIVE_LISTENER[name]))!.type)).equal(reason)
    })
  }

  it('carry any stream id of up to 512 bytes', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 120 }).filter(text => !text.includes('\0')), text => {
      expect(textOfWords(wordsOfText(text))).equal(text)
    }))
  })

  it('carry features', () => {
    fc.assert(fc.property(fc.record({
      version: fc.nat(0xffffff), flags: fc.nat(255), receiveLatencyMs: fc.nat(0xffff), sendLatencyMs: fc.nat(0xffff)
    }), features => { expect(readFeatures(featuresBody(features))).deep.equal(features) }))
  })

  it('that are anything else are not read, and never throw', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
      const packet = new Uint8Array(bytes)
      packet.set([0x80, 0, 0, 0].slice(0, packet.length))
      readHandshake(packet)
    }), { numRuns: 2_000 })
    const cut = fromHex(LIVE_CALLER.conclusion)
    for (let length = 65; length < cut.length; length++) {
      const handshake = readHandshake(cut.subarray(0, length))
      expect(handshake?.extensions.length ?? 0).lessThan(3)
    }
  })
})
