import { SeededRandom } from '@skein/core'
import { expect } from 'chai'
import { at, MatrixKernel, transpose } from '../matrix-kernel.ts'

describe('the matrix kernel', () => {
  const kernel = new MatrixKernel(8 * 1024 * 1024)
  const random = new SeededRandom(3)

  const cases: Array<[rows: number, columns: number, depth: number, transposeA: boolean, accumulate: boolean]> = [
    [4, 8, 1, false, false], [68, 16, 24, false, false], [8, 24, 300, true, true], [132, 8, 257, false, true], [4, 40, 513, true, false]
  ]
  for (const [rows, columns, depth, transposeA, accumulate] of cases) {
    it(`multiplies ${rows} × ${depth} by ${depth} × ${columns}${transposeA ? ', the first transposed' : ''}${accumulate ? ', and adds' : ''}`, () => {
      const [a, b, c] = [transposeA ? kernel.matrix(depth, rows) : kernel.matrix(rows, depth), kernel.matrix(depth, columns), kernel.matrix(rows, columns)]
      for (const { data } of [a, b, c]) {
        data.forEach((_, i) => { data[i] = random.nextUint32() / 2 ** 31 - 1 })
      }
      const before = c.data.slice()
      kernel.multiply(a, b, c, { rows, columns, depth, transposeA, accumulate })
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++) {
          let sum = accumulate ? before[i * columns + j] as number : 0
          for (let k = 0; k < depth; k++) {
            sum += (transposeA ? a.data[k * rows + i] : a.data[i * depth + k]) as number * (b.data[k * columns + j] as number)
          }
          expect(c.data[i * columns + j]).to.be.closeTo(sum, 2e-5)
        }
      }
    })
  }

  it('works on a part of a matrix', () => {
    const [a, b, c] = [kernel.matrix(8, 16), kernel.matrix(16, 16), kernel.matrix(8, 16)]
    a.data[3 * 16 + 5] = 2
    b.data[5 * 16 + 9] = 3
    kernel.multiply(at(a, 0, 4), at(b, 4, 8), at(c, 0, 8), { rows: 4, columns: 8, depth: 4 })
    expect([...c.data.entries()].filter(([, value]) => value !== 0)).to.deep.equal([[3 * 16 + 9, 6]])
  })

  it('transposes', () => {
    const [a, b] = [kernel.matrix(2, 3), kernel.matrix(3, 2)]
    a.data.set([1, 2, 3, 4, 5, 6])
    transpose(a, 2, 3, b)
    expect([...b.data]).to.deep.equal([1, 4, 2, 5, 3, 6])
  })

  it('refuses what is no whole number of tiles', () => {
    const matrix = kernel.matrix(16, 16)
    expect(() => { kernel.multiply(matrix, matrix, matrix, { rows: 6, columns: 8, depth: 4 }) }).to.throw(RangeError)
    expect(() => { kernel.multiply(matrix, matrix, matrix, { rows: 8, columns: 12, depth: 4 }) }).to.throw(RangeError)
  })
})
