import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { loadSmokeModel } from '../src/weight-loader.ts'
import { WeightsError } from '../src/weights.ts'
import { fingerprintOf } from './vectors.ts'
import type { SmokeModel } from '../src/smoke-model.ts'

interface Vectors {
  fingerprint: string
  cases: Array<{ prompt: string, seed: number | null, temperature: number, tokens: number[], text: string, logits: string }>
}

/** Made by `vectors.ts` beside this file. */
const vectors = JSON.parse(readFileSync(join(import.meta.dirname, 'vectors.json'), 'utf8')) as Vectors

describe('the model that ships', () => {
  let model: SmokeModel

  before(async () => {
    model = await loadSmokeModel()
  })

  it('is the one that the vectors were made with', () => {
    expect(model.fingerprint).to.equal(vectors.fingerprint)
    expect(model.contextTokens).to.equal(512)
  })

  for (const { prompt, seed, temperature, tokens, text, logits } of vectors.cases) {
    it(`continues ${JSON.stringify(prompt)} at temperature ${temperature} with the tokens of the vector, and has its logits to the last bit`, () => {
      const ids = model.encode(prompt)
      const pieces = [...model.generate(ids, { maxTokens: tokens.length, temperature, seed: seed ?? undefined })]
      expect(pieces.map(piece => piece.token)).to.deep.equal(tokens)
      expect(pieces.map(piece => piece.text).join('')).to.equal(text)
      const predicted = model.predict([...ids, ...tokens])
      expect(fingerprintOf(predicted)).to.equal(logits)
    })
  }

  it('goes on the same when it is taken up in the middle', () => {
    const ids = model.encode('There she blows')
    const whole = [...model.generate(ids, { maxTokens: 40, seed: 9 })].map(piece => piece.token)
    const rest = [...model.generate([...ids, ...whole.slice(0, 15)], { maxTokens: 25, seed: 9 })].map(piece => piece.token)
    expect(whole).to.have.length(40)
    expect(rest).to.deep.equal(whole.slice(15))
  })

  it('fills its context and not more', () => {
    const ids = model.encode(' whale'.repeat(490))
    const generation = model.generate(ids, { maxTokens: 10_000, seed: 2 })
    let produced = 0
    for (;;) {
      const { done, value } = generation.next()
      if (done === true) {
        expect(value).to.be.oneOf(['length', 'stop'])
        break
      }
      produced++
    }
    expect(ids.length + produced).to.be.at.most(model.contextTokens)
    expect(() => [...model.generate(model.encode(' whale'.repeat(600)))]).to.throw(RangeError)
    expect(() => [...model.generate([])]).to.throw(RangeError)
  })

  it('ends at a stop string and leaves it out', () => {
    const ids = model.encode('Call me')
    const text = [...model.generate(ids, { maxTokens: 60, seed: 4, stop: ['the'] })].map(piece => piece.text).join('')
    expect(text).not.to.include('the')
  })

  it('throws the signal\'s reason', () => {
    const reason = new Error('enough')
    const controller = new AbortController()
    const generation = model.generate(model.encode('Call me'), { signal: controller.signal })
    generation.next()
    controller.abort(reason)
    expect(() => generation.next()).to.throw(reason)
  })

  it('is loaded once for all', async () => {
    expect(await loadSmokeModel()).to.equal(model)
  })

  it('can be loaded from bytes, which must be whole', async () => {
    const error = await loadSmokeModel({ weights: new Uint8Array(100) }).catch((cause: unknown) => cause)
    expect(error).to.be.instanceOf(WeightsError)
  })
})
