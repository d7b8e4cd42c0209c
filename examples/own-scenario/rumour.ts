/** A scenario of one's own: everyone who knows a rumour calls one random other each round. How long until all know it? */
import { defineScenario, RandomStream } from '@skein/simulator'

const CALLS = 1

export default defineScenario({
  name: 'rumour',
  claims: 'Push gossip, one call a round, reaches everyone in log2 n + ln n rounds (B. Pittel, "On spreading a rumor", 1987).',
  expected: 'Within six rounds of that at any number of nodes: the last ones are a matter of luck.',
  options: {
    nodes: { type: 'count', default: 1e5, min: 100, max: 1e8, help: 'who may hear it' }
  },
  metrics: {
    rounds: { unit: 'rounds', help: 'until everyone knows' }
  },
  small: { nodes: 1_000 },
  estimateMemoryBytes: ({ nodes }) => nodes * 5,
  run ({ options: { nodes }, seed, progress, record, series, check }) {
    const random = new RandomStream(seed, CALLS)
    const knows = new Uint8Array(nodes).fill(1, 0, 1)
    const knowing = new Uint32Array(nodes) // the first of them is node 0
    const curve: Array<[number, number]> = [[0, 1]]
    let round = 0
    for (let count = 1; count < nodes; curve.push([++round, count])) {
      for (let i = 0, callers = count; i < callers; i++) {
        const called = random.uint32(knowing[i]!, round) % nodes
        if (knows[called] === 0) {
          knows[called] = 1
          knowing[count++] = called
        }
      }
      progress(count, nodes)
    }
    const theory = Math.log2(nodes) + Math.log(nodes)
    record('rounds', round)
    series('who knows', curve, { x: 'round', y: 'nodes' })
    check('log2 n + ln n rounds', Math.abs(round - theory) <= 6, `${round} rounds, ${theory.toFixed(1)} expected`)
  }
})
