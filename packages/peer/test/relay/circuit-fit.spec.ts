import { expect } from 'chai'
import { circuitNeed, circuitWindowBytes, fitsCircuit, relayLimitError } from '../../src/relay/circuit-fit.ts'
import type { InferenceRequest, JsonObject } from '@skein/inference'

const request = (body: JsonObject): InferenceRequest => ({ task: 'chat', model: 'm', body })
/** What libp2p's relay gives by default. */
const DEFAULTS = { bytes: 131_072n, seconds: 120 }

describe('a request through a circuit of a relay', () => {
  const CASES: Array<[name: string, body: JsonObject, tokensPerSecond: number, fits: boolean]> = [
    ['an answer of usual length', {}, 40, true],
    ['one of a few tokens', { max_tokens: 16 }, 40, true],
    ['a long one', { max_tokens: 4_096 }, 100, false],
    ['a long one by the newer name', { max_completion_tokens: 4_096, max_tokens: 1 }, 100, false],
    ['several at once', { max_tokens: 500, n: 8 }, 100, false],
    ['a slow one', { max_tokens: 1_000 }, 5, false],
    ['a question with a picture', { messages: ['x'.repeat(200_000)] }, 40, false]
  ]
  for (const [name, body, speed, fits] of CASES) {
    it(`${fits ? 'fits' : 'does not fit'}: ${name}`, () => {
      expect(fitsCircuit(DEFAULTS, circuitNeed(request(body), speed))).to.equal(fits)
    })
  }

  it('is bounded where it says so, and has no time where nobody knows how fast the answer comes', () => {
    expect(circuitNeed(request({}), 40)).to.include({ isBounded: false, seconds: 12.8 })
    expect(circuitNeed(request({ max_tokens: 80 }), 40)).to.include({ isBounded: true, seconds: 2 })
    expect(circuitNeed(request({ max_tokens: 80 }), 0)).to.include({ seconds: 0 })
  })

  it('fits where there are no limits, or none of a kind', () => {
    const need = circuitNeed(request({ max_tokens: 1e6 }), 1e6)
    expect(fitsCircuit(undefined, need)).to.equal(true)
    expect(fitsCircuit({ seconds: 60 }, need)).to.equal(true)
    expect(fitsCircuit({ bytes: 1n }, need)).to.equal(false)
  })

  it('leaves little on its way where there is a limit of bytes, and as much as ever where there is none', () => {
    expect(circuitWindowBytes(undefined)).to.equal(undefined)
    expect(circuitWindowBytes({ seconds: 60 })).to.equal(undefined)
    expect(circuitWindowBytes({ bytes: 65_536n })).to.equal(8_192)
    expect(circuitWindowBytes({ bytes: 16_777_216n })).to.equal(1_048_576)
  })

  it('is told with what it takes, what there is, and what to do', () => {
    const error = relayLimitError({ bytes: 65_536n, seconds: 120 }, { bytes: 100_000, seconds: 30, isBounded: true }, 'p')
    expect(error).to.include({ code: 'relay_limit', retryable: true, peer: 'p' })
    expect(error.message).to.match(/100000 bytes and 30 s.*65536 bytes for 120 s: ask for fewer tokens/)
  })
})
