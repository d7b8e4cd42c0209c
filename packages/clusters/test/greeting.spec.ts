/** What a peer tells another of itself, on the wire. */
import { expect } from 'chai'
import fc from 'fast-check'
import { decodeGreeting, DIMENSIONS, encodeGreeting, GreetingError, isGreeting, MAX_GREETING_BYTES } from '../src/index.ts'
import { Greeting as GreetingMessage } from '../src/pb/greeting.ts'
import type { Greeting } from '../src/index.ts'

const PEER = '12D3KooWGC6TvWhfagifX6yTpVYm5qgYvPrUzEXJLwBhAVCqZ1f6'

const greeting: Greeting = {
  coordinate: { position: [12.34, -5.6, 0], heightMs: 4.5, error: 0.123 },
  region: 'eu-west',
  zone: 'all',
  depth: 3,
  coordinator: PEER
}

const sound = fc.record({
  coordinate: fc.record({
    position: fc.array(fc.integer({ min: -1_000_000, max: 1_000_000 }).map(units => units / 100), { minLength: DIMENSIONS, maxLength: DIMENSIONS }),
    heightMs: fc.integer({ min: 0, max: 1_000_000 }).map(units => units / 100),
    error: fc.integer({ min: 0, max: 1500 }).map(units => units / 1000)
  }),
  region: fc.oneof(fc.constant(''), fc.stringMatching(/^[a-z0-9-]{1,32}$/)),
  zone: fc.stringMatching(/^[a-zA-Z0-9]{1,64}$/),
  depth: fc.nat(24)
})

describe('a greeting', () => {
  it('is read as it was written', () => {
    expect(decodeGreeting(encodeGreeting(greeting, 4_000_000_000))).to.deep.equal({ greeting, nonce: 4_000_000_000 })
    fc.assert(fc.property(sound, fc.nat(0xffffffff), (one, nonce) => {
      expect(isGreeting(one)).to.equal(true)
      expect(decodeGreeting(encodeGreeting(one, nonce))).to.deep.equal({ greeting: one, nonce })
    }))
  })

  it('has these bytes', () => {
    const bytes = encodeGreeting({ ...greeting, coordinator: undefined }, 1)
    expect(Buffer.from(bytes).toString('hex')).to.equal('08a41308df08080010c203187b220765752d776573742a03616c6c30034501000000')
  })

  it('has 74 bytes with a coordinator in a region of one zone, and 166 with the longest names', () => {
    expect(encodeGreeting(greeting, 0xffffffff)).to.have.length(74)
    const largest = encodeGreeting({
      coordinate: { position: [-10_000, -10_000, -10_000], heightMs: 10_000, error: 1.5 },
      region: 'r'.repeat(32),
      zone: 'Z'.repeat(64),
      depth: 24,
      coordinator: PEER
    }, 1)
    expect(largest).to.have.length(166)
  })

  const cases: Array<[string, Partial<GreetingMessage>]> = [
    ['of no place', { position: [] }],
    ['of too few dimensions', { position: [1, 2] }],
    ['of too many dimensions', { position: [1, 2, 3, 4] }],
    ['beyond every distance', { position: [1_000_001, 0, 0] }],
    ['with a height beyond every line', { height: 4_294_967_295 }],
    ['with an error that is none', { error: 1501 }],
    ['of a region with a slash', { region: 'eu/west' }],
    ['of a region with a name that is too long', { region: 'e'.repeat(33) }],
    ['of no zone', { zone: '' }],
    ['of a zone with a slash', { zone: 'a/01' }],
    ['of a cluster beyond all', { depth: 25 }],
    ['with a coordinator that is no peer', { coordinator: new Uint8Array(38) }],
    ['that is too long', { zone: 'z'.repeat(MAX_GREETING_BYTES) }]
  ]
  for (const [name, change] of cases) {
    it(`${name} is refused`, () => {
      const bytes = GreetingMessage.encode({ position: [1, 2, 3], height: 1, error: 1, region: 'eu', zone: 'all', depth: 1, ...change })
      expect(() => decodeGreeting(bytes)).to.throw(GreetingError)
    })
  }

  it('is a greeting or a GreetingError, whatever the bytes', () => {
    const message = fc.record({
      position: fc.array(fc.integer(), { maxLength: 5 }), height: fc.nat(0xffffffff), error: fc.nat(0xffffffff), region: fc.string(), zone: fc.string(),
      depth: fc.nat(0xffffffff), coordinator: fc.uint8Array({ maxLength: 60 })
    }, { requiredKeys: [] }).map(fields => GreetingMessage.encode(fields as Partial<GreetingMessage>))
    fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 600 }), message), bytes => {
      try {
        expect(isGreeting(decodeGreeting(bytes).greeting)).to.equal(true)
      } catch (error) {
        expect(error).to.be.instanceOf(GreetingError)
      }
    }), { numRuns: 1000 })
  })

  it('from a later version, with fields that nobody knows yet, is read', () => {
    const later = Uint8Array.from([...encodeGreeting(greeting, 7), 0x7a, 0x02, 0x01, 0x02])
    expect(decodeGreeting(later)).to.deep.equal({ greeting, nonce: 7 })
  })
})
