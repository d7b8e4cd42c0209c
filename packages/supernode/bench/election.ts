/**
 * How long an election among 2,000 eligible candidates takes: `npm run bench -- election`. The last line is one JSON object. The tenth part of all
 * rounds that was the fastest is what the machine does when nothing else is on it.
 */
import { SeededRandom, randomBelow, randomFloat } from '@skein/core'
import { electSuperNodes } from '../src/index.ts'
import type { SuperNodeCandidate } from '../src/index.ts'

const CANDIDATES = 2_000
const ROUNDS = 1_000
const random = new SeededRandom(2026)
const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

function candidate (): SuperNodeCandidate {
  const [a, b, c] = [randomBelow(random, 200), randomBelow(random, 256), randomBelow(random, 256)]
  return {
    peer: `12D3KooW${Array.from({ length: 44 }, () => ALPHABET[randomBelow(random, ALPHABET.length)]).join('')}`,
    networks: [{ small: `${a}.${b}.${c}.0/24`, wide: `${a}.${b}.0.0/16`, system: randomBelow(random, 300) }],
    verifiedFrom: 3,
    ageMs: 7_200_000 + randomFloat(random) * 2e9,
    uptime: 0.95 + 0.05 * randomFloat(random),
    reputation: 0.5 + 0.5 * randomFloat(random),
    measuredBytesPerSecond: 2e6 + 5e7 * randomFloat(random),
    claimedBytesPerSecond: 1e7
  }
}

const candidates = Array.from({ length: CANDIDATES }, candidate)
const times: number[] = []
const explained: number[] = []
for (let round = 0; round < ROUNDS; round++) {
  const startedMs = performance.now()
  const election = electSuperNodes({ candidates, peers: CANDIDATES, region: 'eu-west' }, 1.79e12 + round * 600_000)
  times.push(performance.now() - startedMs)
  election.explain('')
  explained.push(performance.now() - startedMs - (times.at(-1) as number))
}

function at (values: number[], share: number): number {
  return Number(([...values].sort((a, b) => a - b)[Math.floor(values.length * share)] as number).toPrecision(3))
}

console.log(JSON.stringify({
  bench: 'election',
  results: [
    { name: `election among ${CANDIDATES}, p10`, value: at(times, 0.1), unit: 'ms', target: 2, better: 'lower' },
    { name: `election among ${CANDIDATES}, median`, value: at(times, 0.5), unit: 'ms', better: 'lower' },
    { name: `election among ${CANDIDATES}, p95`, value: at(times, 0.95), unit: 'ms', better: 'lower' },
    { name: 'explaining all, median', value: at(explained, 0.5), unit: 'ms', better: 'lower' }
  ]
}))
