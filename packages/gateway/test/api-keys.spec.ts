import { expect } from 'chai'
import { ApiKeys } from '../src/node/api-keys.ts'

describe('API keys', () => {
  const cases: Array<[string, string[], string | undefined, boolean]> = [
    ['anyone when there are none', [], undefined, true],
    ['a known key', ['a', 'b'], 'Bearer b', true],
    ['the scheme in any case', ['a'], 'bearer a', true],
    ['an unknown key', ['a'], 'Bearer b', false],
    ['a key that begins like a known one', ['abc'], 'Bearer ab', false],
    ['a key of another case', ['abc'], 'Bearer ABC', false],
    ['no header', ['a'], undefined, false],
    ['another scheme', ['a'], 'Basic a', false],
    ['a scheme without a key', ['a'], 'Bearer ', false]
  ]
  for (const [name, keys, header, accepted] of cases) {
    it(`${accepted ? 'accept' : 'refuse'} ${name}`, () => {
      expect(new ApiKeys(keys).accepts(header)).to.equal(accepted)
    })
  }

  for (const keys of [[''], [' a'], Array.from({ length: 1025 }, String)]) {
    it(`must make sense: ${keys.length} of ${JSON.stringify(keys[0])}`, () => {
      expect(() => new ApiKeys(keys)).to.throw(RangeError)
    })
  }
})
