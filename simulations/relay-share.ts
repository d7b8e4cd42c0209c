/**
 * Which share of the bytes goes through relays.
 *
 * Claim (the roadmap, at 100K devices): less than 5 % of the traffic flows through relays. Punching alone does not reach that. A choice among
 * providers does: a caller that takes the provider it can reach, of three that serve the model, relays few requests even where one in three pairs
 * cannot connect.
 *
 * Parameters: the mix of NATs (an assumption, see packages/simulator/src/nat/nat-mix.ts), what is done to connect (each level with all before it:
 * ships = what plain libp2p for JavaScript does, punching, port mapping, birthday probing, IPv6), providers to choose among, the policy of the
 * choice.
 *
 * Expected: homes and phones mixed, k = 3, reachable first: about 10 % with port mapping, 3 % with birthday probing. With a random choice k changes
 * nothing. Sampled and computed shares agree within four standard errors.
 */
import { defineScenario, NatModel, POPULATIONS, RandomStream, relayedShare, Stream, traversalOf, TRAVERSAL_LEVELS } from '@skein/simulator'
import type { ConnectPath } from '@skein/simulator'

const REQUEST = Stream.scenario
const BYTES = Stream.scenario + 1
/** An answer of a chat: log-normal around 4 KB. */
const MEDIAN_BYTES = 4_000
const SPREAD = 1
const BATCH = 10_000

export default defineScenario({
  name: 'relay-share',
  claims: 'Less than 5 % of the bytes flow through relays when callers choose among three providers and take the one they can reach',
  expected: 'mobile, k = 3, birthday probing, reachable first: about 3 % relayed; with port mapping and punching alone about 10 %',
  options: {
    nodes: { type: 'count', default: 100_000, min: 100, max: 50_000_000, help: 'devices that call and serve' },
    requests: { type: 'count', default: 1_000_000, min: 1_000, max: 1_000_000_000, help: 'requests, each to one of k providers' },
    mix: { type: 'choice', default: 'mobile', choices: ['home', 'mobile', 'office'], help: 'which NATs the devices are behind' },
    level: { type: 'choice', default: 'birthday', choices: TRAVERSAL_LEVELS, help: 'what is done to connect, each with all before it' },
    k: { type: 'count', default: 3, min: 1, max: 64, help: 'providers of a model that a caller chooses among' },
    policy: { type: 'choice', default: 'reachable-first', choices: ['random', 'reachable-first'], help: 'which of them it takes' },
    punchSuccess: { type: 'number', default: 0.7, min: 0, max: 1, unit: 'share', help: 'of pairs that can be punched in principle, where it works' }
  },
  metrics: {
    relayedRequests: { unit: 'share', help: 'requests that went through a relay' },
    relayedBytes: { unit: 'share', help: 'bytes of answers that went through a relay' },
    punchedRequests: { unit: 'share', help: 'requests over a punched connection' },
    computed: { unit: 'share', help: 'relayed requests as computed from the mix' },
    attempts: { unit: 'count', help: 'providers tried for each request' }
  },
  small: { nodes: 10_000, requests: 100_000 },
  estimateMemoryBytes: ({ nodes }) => nodes + 50_000_000,

  run ({ options, seed, progress, record, check }) {
    const { nodes, requests, k, policy, punchSuccess } = options
    const traversal = traversalOf(POPULATIONS[options.mix], options.level)
    const model = new NatModel({ seed, nodes, mix: traversal.mix, ...traversal.ways, punchSuccess })
    const choices = new RandomStream(seed, REQUEST)
    const sizes = new RandomStream(seed, BYTES)
    // as many as the caller looks at: one at random, or all until one is direct
    const candidates = policy === 'random' ? 1 : k
    const counts: Record<ConnectPath, number> = { direct: 0, punched: 0, relayed: 0 }
    const bytes: Record<ConnectPath, number> = { direct: 0, punched: 0, relayed: 0 }
    let tried = 0

    for (let request = 0; request < requests; request++) {
      const caller = below(choices.uint32(request, 0), nodes)
      const hasIPv6 = share(choices.uint32(caller, 1)) < traversal.ipv6
      let path: ConnectPath = 'relayed'
      for (let i = 0; i < candidates && path === 'relayed'; i++) {
        const provider = below(choices.uint32(request, 2 + i), nodes)
        const overIPv6 = hasIPv6 && share(choices.uint32(provider, 1)) < traversal.ipv6
        path = overIPv6 ? 'direct' : model.plan(caller, provider)?.path ?? 'relayed'
        tried++
      }
      counts[path]++
      bytes[path] += MEDIAN_BYTES * Math.exp(SPREAD * normal(sizes, request))
      if (request % BATCH === 0) {
        progress(request, requests)
      }
    }

    const relayed = counts.relayed / requests
    const computed = relayedShare(traversal, candidates, punchSuccess)
    // requests of one caller share its class, which counts where there are fewer callers than requests
    const error = Math.sqrt(computed * (1 - computed) / Math.min(requests, nodes))
    record('relayedRequests', relayed)
    record('relayedBytes', bytes.relayed / (bytes.direct + bytes.punched + bytes.relayed))
    record('punchedRequests', counts.punched / requests)
    record('computed', computed)
    record('attempts', tried / requests)
    check('sampled and computed shares agree', Math.abs(relayed - computed) <= 4 * error + 1e-4, `${percent(relayed)} and ${percent(computed)}`)
    if (options.mix === 'mobile' && k === 3 && policy === 'reachable-first' && punchSuccess === 0.7 && ['birthday', 'ipv6'].includes(options.level)) {
      check('less than 5 % of the bytes are relayed', bytes.relayed / (bytes.direct + bytes.punched + bytes.relayed) < 0.05, percent(relayed))
    }
  }
})

function below (value: number, bound: number): number {
  return Math.floor(value / 0x100000000 * bound)
}

function share (value: number): number {
  return value / 0x100000000
}

/** Box and Muller. */
function normal (random: RandomStream, entity: number): number {
  return Math.sqrt(-2 * Math.log(1 - random.float(entity, 0))) * Math.cos(2 * Math.PI * random.float(entity, 1))
}

function percent (value: number): string {
  return `${(100 * value).toFixed(2)} %`
}
