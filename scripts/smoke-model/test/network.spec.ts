import { expect } from 'chai'
import { SeededRandom } from '@skein/core'
import { MatrixKernel } from '../matrix-kernel.ts'
import { Network, parameterArrays } from '../network.ts'
import type { ModelShape } from '../../../packages/smoke-model/src/weights.ts'

const SHAPE: ModelShape = { vocabSize: 264, contextTokens: 128, width: 16, hidden: 24, layers: 2, heads: 2, slopes: [1 / 4, 1 / 32] }
/** Longer than one block of attention rows */
const LENGTH = 72
const BATCH = 2

describe('the network that is trained', () => {
  it('has the gradient that finite differences show, for every kind of parameter', () => {
    const random = new SeededRandom(7)
    const network = new Network({ shape: SHAPE, batch: BATCH, length: LENGTH, kernel: new MatrixKernel(32 * 1024 * 1024) })
    network.initialize(random)
    // Away from the start's nearly even logits, where gradients would drown in the rounding of 32-bit sums
    network.parameters.embedding.data.forEach((value, i, array) => { array[i] = value * 20 })
    const inputs = Uint16Array.from({ length: BATCH * LENGTH }, () => random.nextUint32() % 12)
    const targets = Uint16Array.from({ length: BATCH * LENGTH }, () => random.nextUint32() % 12)
    network.forward(inputs, targets)
    network.backward(inputs)

    const gradients = parameterArrays(network.gradients).map(array => array.slice())
    for (const [index, values] of parameterArrays(network.parameters).entries()) {
      const gradient = gradients[index] as Float32Array
      // Along the gradient itself the slope is its norm: one number that every element has a part in
      const norm = Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0))
      const before = values.slice()
      const reach = 0.02
      const lossAt = (shift: number): number => {
        values.forEach((_, i) => { values[i] = (before[i] as number) + shift * (gradient[i] as number) / norm })
        return network.forward(inputs, targets)
      }
      const slope = (lossAt(reach) - lossAt(-reach)) / (2 * reach)
      values.set(before)
      expect(slope / norm, `parameter array ${index}`).to.be.closeTo(1, 0.01)

      // And element by element for the largest ones
      const largest = [...gradient.keys()].sort((a, b) => Math.abs(gradient[b] as number) - Math.abs(gradient[a] as number)).slice(0, 4)
      for (const i of largest) {
        const step = 0.01
        values[i] = (before[i] as number) + step
        const above = network.forward(inputs, targets)
        values[i] = (before[i] as number) - step
        const below = network.forward(inputs, targets)
        values[i] = before[i] as number
        expect((above - below) / (2 * step) / (gradient[i] as number), `element ${i} of parameter array ${index}`).to.be.closeTo(1, 0.03)
      }
    }
  })
})
