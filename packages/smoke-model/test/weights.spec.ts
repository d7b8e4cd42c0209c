import { crc32 } from '@skein/core'
import { expect } from 'chai'
import fc from 'fast-check'
import { encodeWeights, parseWeights, quantize, WeightsError } from '../src/weights.ts'
import { miniatureWeights } from './miniature.ts'

function withChecksum (bytes: Uint8Array): Uint8Array {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(bytes.length - 4, crc32(bytes.subarray(0, -4)), true)
  return bytes
}

describe('the weight file', () => {
  const weights = miniatureWeights()
  const file = encodeWeights(weights)

  it('gives back what was put in, also from the middle of a larger buffer', () => {
    const large = new Uint8Array(file.length + 7)
    large.set(file, 3)
    for (const bytes of [file, large.subarray(3, 3 + file.length), Buffer.from(file)]) {
      const { checksum, ...parsed } = parseWeights(bytes)
      expect(parsed).to.deep.equal(weights)
      expect(checksum).to.be.a('number')
    }
  })

  it('refuses any single damaged byte', () => {
    fc.assert(fc.property(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), (index, flip) => {
      const damaged = file.slice()
      damaged[index] = (damaged[index] as number) ^ flip
      expect(() => parseWeights(damaged)).to.throw(WeightsError)
    }))
  })

  const cases: Array<[name: string, bytes: Uint8Array, message: RegExp]> = [
    ['nothing', new Uint8Array(0), /begin/],
    ['another kind of file', new Uint8Array(1_000), /begin/],
    ['a file cut short', file.subarray(0, -1), /bytes/],
    ['a file with something behind it', Uint8Array.from([...file, 0]), /bytes/],
    ['a version to come', withChecksum(file.slice().fill(2, 4, 5)), /[Vv]ersion 2/],
    ['a shape that does not fit the length', withChecksum(file.slice().fill(64, 12, 13)), /takes/],
    ['a shape of nothing', withChecksum(file.slice().fill(0, 14, 16)), /impossible/],
    ['a width that the heads cannot share', withChecksum(file.slice().fill(3, 16, 17)), /impossible/]
  ]
  for (const [name, bytes, message] of cases) {
    it(`refuses ${name}`, () => {
      expect(() => parseWeights(bytes)).to.throw(WeightsError, message)
    })
  }

  it('rounds to within half a step of a row\'s scale', () => {
    const values = [0.5, -1, 0.004, 100, 50, -3, 0, 0, 0]
    const { scales, values: quantized } = quantize(values, 3, 3)
    for (const [i, value] of values.entries()) {
      const scale = scales[Math.floor(i / 3)] as number
      expect(Math.abs((quantized[i] as number) * scale - value)).to.be.at.most(scale / 2 + 1e-6)
    }
  })
})
