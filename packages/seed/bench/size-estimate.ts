/**
 * How far the estimated size of a network is from the truth: seeds among 20, 50, 100 and 200 real nodes in one process over loopback, and lookups
 * among uniform ids for networks of a thousand to a million nodes.
 *
 * `npm run bench -- size-estimate`. The last line is one JSON object. `--quick` starts 20 and 50 real nodes only; `--sizes 20,100` those.
 */
import { SeededRandom } from '@skein/core'
import { createPeer } from '@skein/peer'
import { kadId } from '@skein/routing'
import { createSeed } from '../src/index.ts'
import { idDistance, orderStatisticEstimate, regressionEstimate } from '../src/stages/size-estimate.ts'
import { syntheticSample } from '../test/stages/synthetic-ids.ts'
import { SizeEstimator } from '../src/stages/size-estimator.ts'
import type { Peer } from '@skein/peer'
import type { DistanceSample, Seed, SizeEstimate } from '../src/index.ts'

const K = 20
const LOOKUPS = 16
/** Estimates of each real network, with other random keys */
const ROUNDS = 5
/** Estimates of each synthetic one */
const TRIALS = 2_000
const START_AT_ONCE = 5
const LISTEN = { listen: ['/ip4/127.0.0.1/tcp/0'] }

const sizesOption = process.argv[process.argv.indexOf('--sizes') + 1]
const SIZES = process.argv.includes('--sizes') && sizesOption !== undefined
  ? sizesOption.split(',').map(Number)
  : process.argv.includes('--quick') ? [20, 50] : [20, 50, 100, 200]
const random = new SeededRandom(20_26)
const results: Array<{ name: string, value: number, unit: string, better: 'lower', target?: number }> = []

interface Round {
  samples: DistanceSample[]
  /** What the seed would say: by the density, and by the peers that answered */
  combined: number
}

/** One estimate, as the seed makes it, but without the pauses. */
async function estimateOnce (seed: Seed): Promise<Round> {
  const estimator = new SizeEstimator({ firstProbeMs: 0, firstPauseMs: 0, firstProbes: LOOKUPS, window: LOOKUPS }, random)
  const samples: DistanceSample[] = []
  estimator.onStart(0)
  while (samples.length < LOOKUPS) {
    estimator.onTimeout(samples.length)
    for (let effect = estimator.poll(); effect !== undefined; effect = estimator.poll()) {
      if (effect.type === 'probe') {
        const { key } = effect
        const peers = await seed.peer.libp2p.services.routing.closestPeers(key)
        const ids = peers.map(peer => kadId(peer.toMultihash().bytes))
        samples.push({ distances: ids.map(id => idDistance(key, id)).sort((a, b) => a - b), all: ids.length < K })
        estimator.onProbe(key, ids, samples.length)
      }
    }
  }
  return { samples, combined: estimator.estimate(LOOKUPS)?.nodes ?? NaN }
}

const rms = (errors: number[]): number => Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / errors.length)
const percent = (value: number): string => `${(100 * value).toFixed(1)} %`

async function wait (ms: number): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, ms))
}

async function real (nodes: number): Promise<void> {
  // the seed is one of the nodes; its own lookups would come on top
  const seed = await createSeed({ ...LISTEN, stages: { estimator: { firstProbeMs: 3_600_000 } } })
  const peers: Peer[] = []
  try {
    while (peers.length < nodes - 1) {
      const count = Math.min(START_AT_ONCE, nodes - 1 - peers.length)
      peers.push(...await Promise.all(Array.from({ length: count }, async () => await createPeer({ ...LISTEN, bootstrap: seed.addresses }))))
    }
    await wait(5_000) // tables fill
    const errors: Record<'order statistic' | 'regression' | 'combined', number[]> = { 'order statistic': [], regression: [], combined: [] }
    let inside = 0
    const startMs = performance.now()
    for (let round = 0; round < ROUNDS; round++) {
      const { combined, samples } = await estimateOnce(seed)
      const estimate = orderStatisticEstimate(samples) as SizeEstimate
      const truth = nodes - 1 // a node does not find itself
      inside += estimate.low <= truth && truth <= estimate.high ? 1 : 0
      errors['order statistic'].push(estimate.nodes / truth - 1)
      errors.regression.push((regressionEstimate(samples) as SizeEstimate).nodes / truth - 1)
      errors.combined.push(combined / nodes - 1)
    }
    const lookupMs = (performance.now() - startMs) / ROUNDS / LOOKUPS
    console.log(`${nodes} real nodes: ${Object.entries(errors).map(([name, list]) =>
      `${name} ${percent(rms(list))} (${list.map(error => percent(error)).join(', ')})`).join('; ')}; ` +
      `within the 95 % interval ${inside} of ${ROUNDS}; ${lookupMs.toFixed(1)} ms a lookup`)
    results.push(
      { name: `relative error at ${nodes} real nodes`, value: rms(errors.combined), unit: 'ratio', better: 'lower', target: 0.25 },
      { name: `relative error at ${nodes} real nodes, order statistic alone`, value: rms(errors['order statistic']), unit: 'ratio', better: 'lower' },
      { name: `relative error at ${nodes} real nodes, regression alone`, value: rms(errors.regression), unit: 'ratio', better: 'lower' }
    )
  } finally {
    await Promise.all(peers.map(async peer => { await peer.stop() }))
    await seed.stop()
  }
}

function synthetic (nodes: number): void {
  for (const [name, estimator] of [['order statistic', orderStatisticEstimate], ['regression', regressionEstimate]] as const) {
    const errors = Array.from({ length: TRIALS }, () =>
      (estimator(Array.from({ length: LOOKUPS }, () => syntheticSample(nodes, K, random))) as SizeEstimate).nodes / nodes - 1)
    const bias = errors.reduce((sum, error) => sum + error, 0) / TRIALS
    console.log(`${nodes.toLocaleString('en')} uniform ids: ${name} ${percent(rms(errors))}, bias ${percent(bias)}`)
    results.push({ name: `relative error at ${nodes} uniform ids, ${name}`, value: rms(errors), unit: 'ratio', better: 'lower' })
  }
}

console.log(`${LOOKUPS} lookups of the ${K} closest an estimate; errors are root mean square, relative`)
for (const nodes of [1_000, 10_000, 100_000, 1_000_000]) {
  synthetic(nodes)
}
for (const nodes of SIZES) {
  await real(nodes)
}
console.log(JSON.stringify({ bench: 'size-estimate', results }))
