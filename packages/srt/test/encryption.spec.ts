import { createCipheriv } from 'node:crypto'
import { concatBytes, fromHex, toHex } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { deriveKek, readKeyMaterial, unwrapKeyMaterial, wrapKeyMaterial } from '../src/key-material.ts'
import type { KeyBytes } from '../src/key-material.ts'
import { nodeCrypto } from '../src/node/node-crypto.ts'
import { freshKeyMaterial, ReceiveKeys, TransmitKeys, writeCounter } from '../src/stream-keys.ts'

const crypto = nodeCrypto()
const passphrase = 'hunter2hunter2'
const salt = fromHex('1f6b650cb2834321159f3d02c9489dff')
const message = concatBytes(
  fromHex('12202901000000000200020000000404'), salt, fromHex('129f67dff4c204afa8f1f1550cd1554e8c54af23867af5cc')
)

describe('encryption', () => {
  it('is counter mode, whatever the length and wherever the payload lies', () => {
    fc.assert(fc.property(
      fc.constantFrom(16, 24, 32), fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.uint8Array({ minLength: 1, maxLength: 1_500 }), fc.nat(7),
      (keyBytes, secret, payload, offset) => {
        const key = secret.slice(0, keyBytes)
        const counter = secret.slice(16, 32).fill(0, 14)
        const buffer = new Uint8Array(payload.length + offset)
        buffer.set(payload, offset)
        const inPlace = buffer.subarray(offset)
        crypto.packetCipher(key).apply(counter, inPlace, inPlace)
        expect(toHex(inPlace)).equal(createCipheriv(`aes-${keyBytes * 8}-ctr`, key, counter).update(payload).toString('hex'))
      }))
  })

  it('comes to the key, the counter and the plain text of a capture of libsrt', () => {
    const wrapped = readKeyMaterial(message)!
    expect(wrapped).includes({ keySet: 1, keyBytes: 16 })
    const kek = deriveKek(crypto, passphrase, wrapped.salt, 16)
    expect(toHex(kek)).equal('a51d5d089ce3cc0551f839002c0c83fc')
    const material = unwrapKeyMaterial(crypto, kek, wrapped)!
    expect(toHex(material.even!)).equal('1350496f0d91e69bf61239e873cb617e')
    expect(toHex(wrapKeyMaterial(crypto, kek, material))).equal(toHex(message))

    const counter = new Uint8Array(16)
    writeCounter(counter, salt, 0x269fc937)
    expect(toHex(counter)).equal('1f6b650cb2834321159f1b9d007f0000')
    const payload = fromHex('dcd3a05077da7b46845e0ba8f7e7bb85')
    expect(new ReceiveKeys(crypto, passphrase, material).decrypt(1, 0x269fc937, payload)).equal(true)
    expect(toHex(payload)).equal('474011100042f0250001c10000ff01ff')
  })

  it('does not take another passphrase, another cipher, or a message that is cut', () => {
    const wrapped = readKeyMaterial(message)!
    expect(unwrapKeyMaterial(crypto, deriveKek(crypto, 'hunter3hunter3', salt, 16), wrapped)).equal(undefined)
    const gcm = message.slice()
    gcm[8] = 4
    expect(readKeyMaterial(gcm)).equal(undefined)
    for (let length = 0; length < message.length; length++) {
      expect(readKeyMaterial(message.subarray(0, length))).equal(undefined)
    }
  })

  for (const keyBytes of [16, 24, 32] as KeyBytes[]) {
    it(`changes keys of ${keyBytes} bytes again and again without losing a packet, as each is announced before`, () => {
      const material = freshKeyMaterial(crypto, keyBytes)
      const kek = deriveKek(crypto, passphrase, material.salt, keyBytes)
      const transmit = new TransmitKeys(crypto, kek, material, { afterPackets: 100, announcePackets: 20 })
      const receive = new ReceiveKeys(crypto, passphrase, material)
      const slots = new Set<number>()
      let announcements = 0
      for (let number = 0; number < 1_000; number++) {
        const payload = Uint8Array.of(number, number >> 8, 3)
        const slot = transmit.encrypt(number, payload)
        slots.add(slot)
        expect(receive.decrypt(slot, number, payload)).equal(true)
        expect([...payload]).deep.equal([number & 255, number >> 8, 3])
        const { announcement } = transmit
        if (announcement !== undefined) {
          announcements++
          expect(receive.onAnnouncement(announcement)).equal(true)
          transmit.onConfirmed(announcement)
        }
      }
      expect([...slots].sort()).deep.equal([1, 2])
      expect(announcements).equal(10)
    })
  }
})
