import { readFile } from 'node:fs/promises'
import { fromHex, toHex } from '@skein/core'
import { expect } from 'chai'
import {
  clusterPoint, clusterTopic, decodeGreeting, decodeMessage, decodeNotice, digestKey, encodeGreeting, encodeMessage, encodeNotice, partTopic, rendezvousOrder
} from '../src/index.ts'
import type { ClusterMessage, Greeting, Notice } from '../src/index.ts'

interface Vectors {
  points: Record<'alice' | 'bob', number>
  line: { scope: string, epoch: string, peers: string[] }
  key: { model: string, hex: string }
  topics: Record<string, string>
  notices: Array<{ name: string, notice: Notice, hex: string }>
  messages: Array<{ name: string, message: ClusterMessage, hex: string }>
  greeting: { greeting: Greeting, nonce: number, hex: string }
}

const vectors = JSON.parse(await readFile(new URL('vectors/clusters.json', import.meta.url), 'utf8')) as Vectors
const alice = '12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB'
const bob = '12D3KooWJ1TsijH7H5F74hfAD5XishQz3sxrmAtVY37GtNd9CqYf'

describe('What clusters compute and write', () => {
  it('are points, lines, keys and topics as in the vectors', () => {
    expect({ alice: clusterPoint(alice), bob: clusterPoint(bob) }).to.deep.equal(vectors.points)
    const { scope, epoch, peers } = vectors.line
    expect(rendezvousOrder([alice, bob].map(peer => ({ peer, weight: 1 })), scope, epoch).map(({ peer }) => peer)).to.deep.equal(peers)
    expect(digestKey(vectors.key.model)).to.equal(vectors.key.hex)
    expect(vectors.topics).to.deep.equal({ 'eu-west/all/01': clusterTopic('eu-west/all/01'), 'eu-west': partTopic('eu-west') })
  })

  for (const { name, notice, hex } of vectors.notices) {
    it(`is written and read as in the vector: ${name}`, () => {
      expect(toHex(encodeNotice(notice))).to.equal(hex)
      expect(decodeNotice(fromHex(hex))).to.deep.include(notice)
    })
  }
  for (const { name, message, hex } of vectors.messages) {
    it(`is written and read as in the vector: ${name}`, () => {
      expect(toHex(encodeMessage(message))).to.equal(hex)
      expect(decodeMessage(fromHex(hex))).to.deep.include(message)
    })
  }

  it('is written and read as in the vector: a greeting', () => {
    const { greeting, nonce, hex } = vectors.greeting
    expect(toHex(encodeGreeting(greeting, nonce))).to.equal(hex)
    expect(decodeGreeting(fromHex(hex))).to.deep.equal({ greeting, nonce })
  })

  it('is in the specification as in the vectors', async () => {
    const spec = await readFile(new URL('../../../docs/specs/clusters.md', import.meta.url), 'utf8')
    for (const { hex } of [...vectors.notices, ...vectors.messages, vectors.greeting, vectors.key]) {
      expect(spec).to.include(`\`${hex}\``)
    }
    for (const point of Object.values(vectors.points)) {
      expect(spec).to.include(`\`0x${point.toString(16)}\``)
    }
  })
})
