import { expect } from 'chai'
import fc from 'fast-check'
import { exceedsDepth, parseJson, parseJsonObject } from '../src/json-text.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const depthOf = (value: unknown): number => typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0

describe('JSON text', () => {
  it('is measured as deep as it is', () => {
    fc.assert(fc.property(fc.jsonValue({ maxDepth: 6 }), value => {
      const depth = depthOf(value)
      expect(exceedsDepth(bytes(JSON.stringify(value)), depth)).to.equal(false)
      expect(depth === 0 || exceedsDepth(bytes(JSON.stringify(value)), depth - 1)).to.equal(true)
    }))
  })

  it('is not measured by the brackets in its strings', () => {
    expect(parseJson(bytes('["[[[[\\"[[[[", "\\\\", [1]]'), 2)).to.deep.equal(['[[[["[[[[', '\\', [1]])
  })

  it('is refused too deep, before it is built', () => {
    expect(() => parseJson(bytes('['.repeat(1_000_000)), 16)).to.throw(RangeError)
  })

  it('is refused when it is not JSON, not UTF-8 or not an object', () => {
    expect(() => parseJson(bytes('{"a":'), 16)).to.throw(SyntaxError)
    expect(() => parseJson(Uint8Array.of(0x22, 0xff, 0x22), 16)).to.throw(TypeError)
    expect(() => parseJsonObject(bytes('[]'), 16)).to.throw(TypeError)
  })
})
