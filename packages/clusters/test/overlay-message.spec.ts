/** What is said in overlays: the names of topics, and what is no message. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { fromHex } from '@skein/core'
import { sealEnvelope, signOffer } from '@skein/records'
import { expect } from 'chai'
import { MAX_OVERLAY_BYTES, overlayTopic, readOverlayMessage } from '../src/index.ts'
import { offerOf, START_MS } from './overlay-fixture.ts'

/** The offer of docs/specs/overlays.md. */
const VECTOR = '0a240801122003a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8120e2f736b65696e2f6f666665722f311a99010a2600240801122003a107bff3' +
  'ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b810071880d8c1a28c3420c081c9a28c342a0c6c6c616d612d332e323a3362320463686174320a636f6d706c' +
  '6574696f6e3880404100000000004045404801500458f09309620765752d77657374680270017a0804c0000207060fa17a142920010db8000000000000000000000007060fa1' +
  '2a407b8470adb400ffc88813685cc8c1a4e132125efa1c37282b76f694827b72bd649cd58d2fa9e2070419a23d24a920307b23c7a9be57eb650de17401317b5a5801'
const PEER = '12D3KooWA4Xop1JaT3MHxwYMkCepYsv4iPVopMXwCz5iHYdBfeSB'
const ISSUED_MS = 1_790_000_000_000

describe('the topic of an overlay', () => {
  for (const [model, topic] of [
    ['llama-3.2:3b', '/skein/model/1/1ea3dc84fd40f717bd60054913a7341f'],
    ['m', '/skein/model/1/62c66a7a5dd70c3146618063c344e531'],
    ['llama', '/skein/model/1/fc5a1047f5919892fcdf8aa79ea5d6bb']
  ] as const) {
    it(`of ${model} is ${topic}`, () => {
      expect(overlayTopic(model)).to.equal(topic)
    })
  }
})

describe('a message of an overlay', () => {
  const read = (model: string, from: string, data: Uint8Array, nowMs: number): string => readOverlayMessage(model, { from, data }, nowMs).verdict

  it('is a signed offer of the peer that published it', () => {
    const message = readOverlayMessage('llama-3.2:3b', { from: PEER, data: fromHex(VECTOR) }, ISSUED_MS)
    expect(message).to.have.nested.property('signed.offer.queueDepth', 1)
  })

  it('is rejected when it is of another peer or model, and ignored before and after its life', () => {
    const data = fromHex(VECTOR)
    expect(read('llama-3.2:3b', '12D3KooWother', data, ISSUED_MS)).to.equal('reject')
    expect(read('another', PEER, data, ISSUED_MS)).to.equal('reject')
    expect(read('llama-3.2:3b', PEER, data, ISSUED_MS + 120_000)).to.equal('ignore')
    expect(read('llama-3.2:3b', PEER, data, ISSUED_MS - 60_001)).to.equal('ignore')
  })

  it('is rejected when it is none, of another kind, too long, or lives too long', async () => {
    const privateKey = await generateKeyPair('Ed25519')
    const peer = peerIdFromPrivateKey(privateKey).toString()
    expect(read('m', peer, new Uint8Array(0), START_MS)).to.equal('reject')
    expect(read('m', peer, new Uint8Array(MAX_OVERLAY_BYTES + 1), START_MS)).to.equal('reject')
    const other = await sealEnvelope({ domain: '/skein/capabilities/1', maxLifeMs: 1 }, new Uint8Array(10), privateKey)
    expect(read('m', peer, other, START_MS)).to.equal('reject')
    const long = await signOffer(offerOf(peer, { expiresAtMs: START_MS + 120_001 }), privateKey)
    expect(read('m', peer, long.envelope, START_MS)).to.equal('reject')
  })
})
