/** Adam with decoupled weight decay and a bound on the gradient's norm (Kingma & Ba 2014, Loshchilov & Hutter 2017). */

export interface AdamInit {
  parameters: Float32Array[]
  gradients: Float32Array[]
  beta1?: number
  beta2?: number
  epsilon?: number
  /** Share of a weight that a step at learning rate 1 takes away @default 0.1 */
  weightDecay?: number
  /** The gradient is scaled down to this norm @default 1 */
  maxNorm?: number
}

export class Adam {
  private readonly init: Required<AdamInit>
  private readonly first: Float32Array[]
  private readonly second: Float32Array[]
  private power1 = 1
  private power2 = 1

  constructor (init: AdamInit) {
    this.init = { beta1: 0.9, beta2: 0.98, epsilon: 1e-8, weightDecay: 0.1, maxNorm: 1, ...init }
    this.first = init.parameters.map(array => new Float32Array(array.length))
    this.second = init.parameters.map(array => new Float32Array(array.length))
  }

  step (rate: number): void {
    const { parameters, gradients, beta1, beta2, epsilon, weightDecay, maxNorm } = this.init
    this.power1 *= beta1
    this.power2 *= beta2
    const norm = gradientNorm(gradients)
    const clip = norm > maxNorm ? maxNorm / norm : 1
    for (const [index, values] of parameters.entries()) {
      const gradient = gradients[index] as Float32Array
      const first = this.first[index] as Float32Array
      const second = this.second[index] as Float32Array
      for (let i = 0; i < values.length; i++) {
        const g = gradient[i] as number * clip
        const m = beta1 * (first[i] as number) + (1 - beta1) * g
        const v = beta2 * (second[i] as number) + (1 - beta2) * g * g
        first[i] = m
        second[i] = v
        const value = values[i] as number
        values[i] = value - rate * (m / (1 - this.power1) / (Math.sqrt(v / (1 - this.power2)) + epsilon) + weightDecay * value)
      }
    }
  }
}

function gradientNorm (gradients: Float32Array[]): number {
  let sum = 0
  for (const gradient of gradients) {
    for (let i = 0; i < gradient.length; i++) {
      sum += (gradient[i] as number) * (gradient[i] as number)
    }
  }
  return Math.sqrt(sum)
}
