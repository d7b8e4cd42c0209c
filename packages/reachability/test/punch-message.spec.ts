import { readFileSync } from 'node:fs'
import { fromHex, toHex } from '@skein/core'
import { expect } from 'chai'
import { multiaddr } from '@multiformats/multiaddr'
import { decodePunch, encodePunch, PunchProtocolError } from '../src/libp2p/index.ts'
import type { Punch } from '../src/libp2p/index.ts'

interface Vector {
  name: string
  message: Omit<Punch, 'addresses'> & { addresses?: string[] }
  bytes: string
}

const vectors = JSON.parse(readFileSync(new URL('vectors/punching.json', import.meta.url), 'utf8')) as {
  messages: Vector[], refused: Array<Pick<Vector, 'name' | 'bytes'>>
}

describe('Messages of a punch', () => {
  for (const { name, message: { addresses = [], ...message }, bytes } of vectors.messages) {
    it(`are as in the vectors: ${name}`, () => {
      const { addresses: read = [], reason = '', ...rest } = decodePunch(fromHex(bytes))
      expect({ ...rest, ...reason === '' ? {} : { reason } }).to.deep.equal(message)
      expect(read.map(String)).to.deep.equal(addresses)
      expect(toHex(encodePunch({ ...message, addresses: addresses.map(address => multiaddr(address)) }))).to.equal(bytes)
    })
  }

  for (const { name, bytes } of vectors.refused) {
    it(`are none: ${name}`, () => {
      expect(() => decodePunch(fromHex(bytes))).to.throw(PunchProtocolError)
    })
  }

  it('leave out what this version does not know of a NAT, and keep the rest', () => {
    const { bytes } = vectors.messages[0] as Vector
    const strange = toHex(new TextEncoder().encode('endpoint-independent'))
    const changed = bytes.replace(strange, toHex(new TextEncoder().encode('endpoint-inventive!!')))
    expect(decodePunch(fromHex(changed)).reach).to.deep.equal({ dialable: false, tcp: true, webrtc: false })
  })

  it('are cut to eight addresses and 200 characters of a reason', () => {
    const addresses = Array.from({ length: 20 }, (_, i) => multiaddr(`/ip4/192.0.2.${i}/tcp/4001`))
    const read = decodePunch(encodePunch({ kind: 'refuse', addresses, reason: 'x'.repeat(1_000) }))
    expect(read.addresses).to.have.length(8)
    expect(read.reason).to.have.length(200)
  })
})
