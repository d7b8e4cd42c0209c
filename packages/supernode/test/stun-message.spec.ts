import { fromHex, randomBytes, SeededRandom, toHex } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { answerStun, changeRequest } from '../src/stun-answer.ts'
import {
  attributeOf, BINDING, decodeAddress, decodeStun, decodeXorAddress, encodeAddress, encodeStun, encodeXorAddress, STUN_ATTRIBUTE, STUN_CLASS
} from '../src/stun-message.ts'
import type { StunAddress, StunMessage } from '../src/stun-message.ts'

function bytesOf (hex: string): Uint8Array {
  return fromHex(hex.replaceAll(/\s/g, ''))
}

/** RFC 5769, §2. */
const RFC5769 = {
  request: bytesOf(`
    00010058 2112a442 b7e7a701bc34d686fa87dfae 80220010 5354554e207465737420636c69656e74 00240004 6e0001ff 80290008 932ff9b151263b36
    00060009 6576746a3a68367659202020 00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2 80280004 e57a3bcf`),
  ip4: bytesOf(`
    0101003c 2112a442 b7e7a701bc34d686fa87dfae 8022000b 7465737420766563746f7220 00200008 0001a147e112a643
    00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7 80280004 c07d4c96`),
  ip6: bytesOf(`
    01010048 2112a442 b7e7a701bc34d686fa87dfae 8022000b 7465737420766563746f7220 00200014 0002a1470113a9faa5d3f179bc25f4b5bed2b9d9
    00080014 a382954e4be67bf11784c97c8292c275bfe3ed41 80280004 c8fb0b4c`)
}

const ADDRESS: StunAddress = { family: 'IPv4', host: '192.0.2.1', port: 32_853 }
const ID = bytesOf('b7e7a701bc34d686fa87dfae')

function request (changes: Partial<StunMessage> = {}): Uint8Array {
  return encodeStun({ method: BINDING, class: STUN_CLASS.request, transactionId: ID, attributes: [], hasFingerprint: true, ...changes })
}

describe('STUN messages', () => {
  it('are read as RFC 5769 has them', () => {
    const read = decodeStun(RFC5769.request)
    expect(read).to.deep.include({ method: BINDING, class: STUN_CLASS.request, hasFingerprint: true })
    expect(toHex(read?.transactionId as Uint8Array)).to.equal(toHex(ID))
    expect(read?.attributes.map(({ type }) => type)).to.deep.equal([0x8022, 0x0024, 0x8029, 0x0006, 0x0008, 0x8028])
    for (const [name, expected] of [['ip4', ADDRESS], ['ip6', { ...ADDRESS, family: 'IPv6', host: '2001:db8:1234:5678:11:2233:4455:6677' }]] as const) {
      const answer = decodeStun(RFC5769[name]) as StunMessage
      expect(answer.class).to.equal(STUN_CLASS.success)
      expect(decodeXorAddress(attributeOf(answer, STUN_ATTRIBUTE.xorMappedAddress), answer.transactionId)).to.deep.equal(expected)
    }
  })

  it('are written as they are read', () => {
    for (const bytes of Object.values(RFC5769)) {
      const message = decodeStun(bytes) as StunMessage
      const attributes = message.attributes.filter(({ type }) => type !== STUN_ATTRIBUTE.fingerprint)
      const again = decodeStun(encodeStun({ ...message, attributes }))
      expect(again?.attributes.map(({ type, value }) => [type, toHex(value)])).to.deep.equal(
        message.attributes.map(({ type, value }) => type === STUN_ATTRIBUTE.fingerprint
          ? [type, toHex(attributeOf(again as StunMessage, type) as Uint8Array)]
          : [type, toHex(value)]))
    }
  })

  it('with a wrong fingerprint are none, nor are those that were cut', () => {
    for (const bytes of Object.values(RFC5769)) {
      for (let bit = 0; bit < bytes.length * 8; bit += 7) {
        const damaged = Uint8Array.from(bytes)
        damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ 1 << bit % 8
        // a FINGERPRINT whose own type is damaged is another attribute
        const hasIt = decodeStun(damaged)?.hasFingerprint ?? false
        expect(hasIt, `bit ${bit}`).to.equal(false)
      }
      for (let length = 0; length < bytes.length; length++) {
        expect(decodeStun(bytes.subarray(0, length))).to.equal(undefined)
      }
    }
  })

  it('carry any address', () => {
    const ip6 = fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 }).map(groups => groups.map(group => group.toString(16)).join(':'))
    fc.assert(fc.property(fc.ipV4(), ip6, fc.nat(65_535), fc.uint8Array({ minLength: 12, maxLength: 12 }), (host4, host6, port, id) => {
      for (const address of [{ family: 'IPv4', host: host4, port }, { family: 'IPv6', host: host6, port }] as StunAddress[]) {
        const plain = decodeAddress(encodeAddress(address)) as StunAddress
        expect(plain).to.deep.include({ family: address.family, port })
        expect(toHex(encodeAddress(plain))).to.equal(toHex(encodeAddress(address)))
        expect(decodeXorAddress(encodeXorAddress(address, id), id)).to.deep.equal(plain)
      }
    }))
    for (const [given, written] of [['::', '::'], ['::1', '::1'], ['2001:db8::1:0:0:1', '2001:db8::1:0:0:1'], ['fe80:0:0:0:1:0:0:0', 'fe80::1:0:0:0']]) {
      expect(decodeAddress(encodeAddress({ family: 'IPv6', host: given as string, port: 1 }))?.host).to.equal(written)
    }
  })

  it('of any bytes are read without a throw', () => {
    const random = new SeededRandom(7)
    for (let i = 0; i < 20_000; i++) {
      const bytes = randomBytes(random, i % 200)
      if (i % 2 === 0 && bytes.length >= 20) {
        bytes.set([0, 1, 0, bytes.length - 20, 0x21, 0x12, 0xa4, 0x42])
      }
      decodeStun(bytes)
    }
  })
})

describe('A STUN answer', () => {
  const own = { family: 'IPv4', host: '198.51.100.1', port: 3478 } as const
  const otherPort = { ...own, port: 3479 }
  const otherHost = { ...own, host: '198.51.100.2' }
  const otherBoth = { ...otherHost, port: 3479 }

  function answered (bytes: Uint8Array, origins = {}): StunMessage & { from: string } {
    const answer = answerStun(bytes, ADDRESS, origins)
    return { ...decodeStun(answer?.bytes as Uint8Array) as StunMessage, from: answer?.from as string }
  }

  it('tells the source, and has a fingerprint when the question has', () => {
    for (const hasFingerprint of [true, false]) {
      const answer = answered(request({ hasFingerprint }))
      expect(answer).to.deep.include({ class: STUN_CLASS.success, hasFingerprint, from: 'own' })
      expect(decodeXorAddress(attributeOf(answer, STUN_ATTRIBUTE.xorMappedAddress), ID)).to.deep.equal(ADDRESS)
      expect(attributeOf(answer, 0x8022), 'SOFTWARE').to.equal(undefined)
    }
  })

  it('is hardly longer than the question', () => {
    // 28 bytes of IP and UDP go with each
    for (const [origins, factor] of [[{ own }, 1.25], [{ own, otherPort, otherHost, otherBoth }, 1.7]] as const) {
      for (const hasFingerprint of [true, false]) {
        const bytes = request({ hasFingerprint })
        const answer = answerStun(bytes, ADDRESS, origins)?.bytes as Uint8Array
        expect((answer.length + 28) / (bytes.length + 28)).to.be.at.most(factor + (hasFingerprint ? 0 : 0.3))
      }
    }
  })

  it('comes from where the question asks for, and tells the other address', () => {
    const origins = { own, otherPort, otherHost, otherBoth }
    for (const [change, from] of [[{}, 'own'], [{ port: true }, 'otherPort'], [{ ip: true }, 'otherHost'], [{ ip: true, port: true }, 'otherBoth']] as const) {
      const answer = answered(request({ attributes: [changeRequest(change)] }), origins)
      expect(answer.from).to.equal(from)
      expect(decodeAddress(attributeOf(answer, STUN_ATTRIBUTE.responseOrigin))).to.deep.equal(origins[from])
      expect(decodeAddress(attributeOf(answer, STUN_ATTRIBUTE.otherAddress))).to.deep.equal(otherBoth)
    }
  })

  it('refuses what it does not have or know', () => {
    const refused = answered(request({ attributes: [changeRequest({ ip: true })] }), { own, otherPort })
    expect(refused.class).to.equal(STUN_CLASS.error)
    expect(Array.from(attributeOf(refused, STUN_ATTRIBUTE.errorCode) as Uint8Array)).to.deep.equal([0, 0, 4, 20])
    expect(Array.from(attributeOf(refused, STUN_ATTRIBUTE.unknownAttributes) as Uint8Array)).to.deep.equal([0, 3])
    const unknown = answered(request({ attributes: [{ type: 0x0027, value: Uint8Array.of(1, 2, 3, 4) }, { type: 0x8abc, value: Uint8Array.of(1) }] }))
    expect(Array.from(attributeOf(unknown, STUN_ATTRIBUTE.unknownAttributes) as Uint8Array)).to.deep.equal([0, 0x27])
  })

  it('is not there for what is no question', () => {
    for (const bytes of [RFC5769.ip4, request({ class: STUN_CLASS.indication }), request({ method: 3 }), new Uint8Array(0), new Uint8Array(2_000)]) {
      expect(answerStun(bytes, ADDRESS, {})).to.equal(undefined)
    }
    // credentials are not looked at: who uses ICE sends some
    expect(answered(RFC5769.request).class).to.equal(STUN_CLASS.success)
  })
})
