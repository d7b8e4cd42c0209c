/** Throws coins: small, quick, and able to fail in every way that a test needs. */
import { defineScenario, RandomStream } from '../../../src/index.ts'

export default defineScenario({
  name: 'coin',
  claims: 'Half of the coins show <heads>.',
  expected: 'A share of 0.5.',
  options: {
    coins: { type: 'count', default: 1_000, min: 1, max: 1e6, help: 'coins' },
    bias: { type: 'number', default: 0.5, min: 0, max: 1, unit: 'share', help: 'how often it shows heads' },
    mode: { type: 'choice', default: 'well', choices: ['well', 'throw', 'die', 'refute', 'undeclared', 'hang'], help: 'how the odd seeds end' },
    fair: { type: 'switch', default: true, help: 'looks at it' }
  },
  metrics: {
    heads: { unit: 'share', help: 'heads' },
    runs: { unit: 'count', help: 'changes of side' }
  },
  small: { coins: 100 },
  estimateMemoryBytes: ({ coins }) => coins * 1_000,
  async run ({ options: { coins, bias, mode }, seed, workers, progress, record, series, distribution, table, check }) {
    const random = new RandomStream(seed, 1)
    let heads = 0
    let changes = 0
    let last: boolean | undefined
    const curve: Array<[number, number]> = []
    for (let i = 0; i < coins; i++) {
      const head = random.float(0, i) < bias
      heads += head ? 1 : 0
      changes += head === last ? 0 : 1
      last = head
      curve.push([i, heads / (i + 1)])
      progress(i + 1, coins)
    }
    if (mode === 'hang') {
      for (;;) {
        progress(1, 2) // until it is told to stop
      }
    }
    const odd = seed % 2 === 1
    if (mode === 'throw' && odd) {
      throw new RangeError(`the coin stands on its edge, ${workers > 0 ? 'as ever' : ''}`)
    }
    if (mode === 'die' && odd) {
      process.exit(3)
    }
    if (mode === 'undeclared' && odd) {
      record('tails' as 'heads', 1)
    }
    record('heads', heads / coins)
    record('runs', changes)
    series('share by throw', curve, { x: 'throw', y: 'share' })
    distribution('share so far', curve.map(([, share]) => share), 'share')
    table('sides of <a coin>', ['side', 'verdict'], [['heads', 'holds'], ['tails', 'fails']])
    check('about half', Math.abs(heads / coins - bias) < 0.2, `${heads} of ${coins}`)
    check('nothing odd', !(mode === 'refute' && odd), `seed ${seed}`)
  }
})
