/**
 * Flat gossip as an epidemic: a message starts at one device, and each device that hears it for the first time sends it once to `degree` others,
 * drawn at random from all.
 *
 * Claims: the share s of the devices that hear it solves s = 1 − e^(−D·s) for D = `degree` (the giant component of a random graph; P. Erdős and
 *   A. Rényi, 1960): D=4 0.98017, D=6 0.99748, D=8 0.99966, D=12 0.999994.
 * Parameters: `nodes`, `degree`. Nothing is stored of the graph: the targets of a device are hashes of the run's seed.
 * Expected: the mean reach at 1M devices within 1e-4 of the formula. At D=8 the last device hears of it in round 8, 10, 12, 13 at 100K, 1M, 10M, 100M
 *   devices, give or take one: the tail of an epidemic is a matter of luck.
 */
import { defineScenario, RandomStream } from '@skein/simulator'

/** This stream and the next. */
const TARGETS = 200
/** Devices between two looks at the signal and the progress. */
const STRIDE = 1 << 16

/** The solution of s = 1 − e^(−D·s) above zero, which the iteration reaches from 1 for every D > 1. */
function theory (degree: number): number {
  let reach = 1
  for (let i = 0; i < 200; i++) {
    reach = 1 - Math.exp(-degree * reach)
  }
  return reach
}

/** How far one run may be from the formula: 1e-4, and four deviations of the number of boxes that D·s·N balls leave empty. */
function tolerance (nodes: number, degree: number): number {
  const reach = theory(degree)
  const empty = 1 - reach
  const deviation = Math.sqrt(empty * (1 - (1 + degree * reach) * empty) / nodes) / (1 - degree * empty)
  return 1e-4 + 4 * deviation + 2 / nodes
}

export default defineScenario({
  name: 'epidemic-reach',
  claims: 'Flat gossip, each device telling D random others once, reaches the share s = 1 − e^(−D·s) of all devices (Erdős and Rényi, 1960).',
  expected: 'The mean reach at 1M devices is within 1e-4 of the formula: D=4 0.98017, D=6 0.99748, D=8 0.99966, D=12 0.999994. At D=8 the last ' +
    'device is told in about 8, 10, 12 and 13 rounds at 100K, 1M, 10M and 100M devices.',
  options: {
    nodes: { type: 'count', default: 1e6, min: 100, max: 1e9, help: 'devices' },
    degree: { type: 'count', default: 8, min: 2, max: 64, help: 'others that a device tells, D' }
  },
  metrics: {
    reach: { unit: 'share', help: 'devices that heard it' },
    offTheory: { unit: 'share', help: 'reach less what the formula gives' },
    rounds: { unit: 'rounds', help: 'until the last of them heard it' },
    rounds99: { unit: 'rounds', help: 'until 99 % of them had heard it' }
  },
  small: { nodes: 1e5 },
  // the order in which devices heard it, and a bit for each that did
  estimateMemoryBytes: ({ nodes }) => nodes * 4 + nodes / 8,
  run ({ options: { nodes, degree }, seed, progress, record, series, check }) {
    const random = new RandomStream(seed, TARGETS)
    const queue = new Uint32Array(nodes)
    const heard = new Int32Array(Math.ceil(nodes / 32))
    const curve: Array<[number, number]> = [[0, 1 / nodes]]
    let told = 1
    heard[0] = 1 // device 0 is as good as any

    let done = 0
    for (let round = 1; done < told; round++) {
      for (const end = told; done < end; done++) {
        const device = queue[done]!
        for (let i = 0; i < degree; i++) {
          const target = Math.floor(random.uint32(device, i) * nodes / 0x100000000)
          const bit = 1 << (target & 31)
          if ((heard[target >>> 5]! & bit) === 0) {
            heard[target >>> 5]! |= bit
            queue[told++] = target
          }
        }
        if (done % STRIDE === 0) {
          progress(done, nodes)
        }
      }
      curve.push([round, told / nodes])
    }

    const reach = told / nodes
    const rounds = curve.length - 2 // nobody new heard it in the last one
    record('reach', reach)
    record('offTheory', reach - theory(degree))
    record('rounds', rounds)
    record('rounds99', curve.findIndex(([, share]) => share >= 0.99 * reach))
    series('reach by round', curve.slice(0, -1), { x: 'round', y: 'share of devices' })
    check('reach is 1 − e^(−D·s)', Math.abs(reach - theory(degree)) <= tolerance(nodes, degree),
      `${reach.toFixed(6)} reached, ${theory(degree).toFixed(6)} expected, ±${tolerance(nodes, degree).toFixed(6)}`)
    check('the rounds grow with the logarithm of the devices', Math.abs(rounds - expectedRounds(nodes, degree)) <= 2,
      `${rounds} rounds, about ${expectedRounds(nodes, degree).toFixed(1)} expected`)
  }
})

/**
 * The distance of the last device that is reached: growth by D a round through the body of the graph, and then the longest of the thin chains at its
 * end, which shrink by D·(1 − s) a round (O. Riordan, N. Wormald, "The diameter of sparse random graphs", 2010, with one such chain, not two).
 */
function expectedRounds (nodes: number, degree: number): number {
  return Math.log(nodes) / Math.log(degree) - Math.log(nodes) / Math.log(degree * (1 - theory(degree))) + 1
}
