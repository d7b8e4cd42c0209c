/**
 * Sybils in peer exchange: how much of honest peers' views they get, when they tell of nobody but themselves.
 *
 * Claims: Sybils that are 20 % of the network and stand in four /24s keep at most a quarter of the entries of honest views, and honest nodes stay one
 *   network along those views.
 * The attack: each Sybil answers every question with records of Sybils, as many as it is asked for, signed this moment; and asks each honest node as
 *   often as it is let, once a minute, with its own record and 49 others. All start with the same 20 honest nodes, and the attack goes on from then.
 * Two worlds: `PeerExchange` itself under a simulated clock with distances (`machines` of them, Sybils included); and the kernel of the same rules
 *   over typed arrays, in which each honest node is asked by `pushes` Sybils a minute. A test holds the kernel against the machine, Sybils included.
 * Parameters: nodes, share and /24s of Sybils; pushes; minutes. Compared: without the rule that one /24 has a sixteenth of a view, without the rule
 *   that one source tells a quarter of it, without both.
 * Expected: four /24s get 4 · 6 of 100 entries, 24 %, once views are full. While they fill it is more, as the rule counts entries of a full view:
 *   24 of 50. Pushes take up answers (120 a minute) that honest nodes would have had, so that views fill more slowly. Without the rule of networks
 *   the Sybils have all within a minute.
 */
import { defineScenario, ExchangeWorld, Stream, SybilExchange } from '@skein/simulator'
import type { SybilShares } from '@skein/simulator'

/** And the next. */
const ATTACK = Stream.scenario + 75

const VIEW_SIZE = 100
const KNOWN = 20
const MINUTE_MS = 60_000
const MOST = 0.25
/** Without a rule the outcome shows at once. */
const COMPARED_MINUTES = 4
const POLICIES = [
  ['no network rule', { networkShare: 1 }], ['no source rule', { sourceShare: 1 }], ['neither', { networkShare: 1, sourceShare: 1 }]
] as const

export default defineScenario({
  name: 'pex-sybils',
  claims: '20 % Sybils in four /24s, who tell of nobody but Sybils, keep at most 25 % of honest views',
  expected: '24 % once views are full, up to half of a view that is half full; without the rule of networks all of it within a minute',
  options: {
    nodes: { type: 'count', default: 5_000, min: 100, max: 1_000_000, help: 'nodes of the kernel, Sybils included' },
    machines: { type: 'count', default: 500, min: 50, max: 2_000, help: 'nodes that are machines, Sybils included' },
    share: { type: 'number', default: 0.2, min: 0, max: 0.9, unit: 'share', help: 'of the nodes that are Sybils' },
    subnets: { type: 'count', default: 4, min: 1, max: 10_000, help: '/24s of the Sybils' },
    pushes: { type: 'count', default: 100, min: 0, max: 100_000, help: 'Sybils that ask each honest node in a minute, in the kernel' },
    minutes: { type: 'count', default: 20, min: 5, max: 600, help: 'minutes in the kernel' },
    machineMinutes: { type: 'count', default: 20, min: 1, max: 120, help: 'minutes with machines' }
  },
  metrics: {
    sybils: { unit: 'share', help: 'Sybils of honest views, mean, at the end' },
    sybilsWorst: { unit: 'share', help: 'the same of the worst view' },
    sybilsFirst: { unit: 'share', help: 'the same, mean, after a minute' },
    sybilsThird: { unit: 'share', help: 'the same, mean, after 3 minutes' },
    entries: { unit: 'count', help: 'entries of a view at the end' },
    reached: { unit: 'share', help: 'honest nodes that hang together along views' },
    refused: { unit: 'share', help: 'questions of honest nodes refused for load' },
    sybilsMachines: { unit: 'share', help: 'Sybils of honest views, mean, with machines, at the end' },
    sybilsMachinesWorst: { unit: 'share', help: 'the same of the worst view' },
    reachedMachines: { unit: 'share', help: 'honest machines that hang together along views' },
    noNetworkRule: { unit: 'share', help: 'Sybils of honest views after 4 minutes without the rule of networks' },
    noSourceRule: { unit: 'share', help: 'the same without the rule of sources' },
    noRule: { unit: 'share', help: 'the same without both' }
  },
  small: { nodes: 600, pushes: 30, machines: 120, machineMinutes: 6 },
  estimateMemoryBytes: ({ nodes, machines }) => 60e6 + nodes * 4_500 + machines * 200_000,

  run ({ options, seed, progress, record, series, distribution, check, table }) {
    const sybils = Math.round(options.nodes * options.share)
    const init = { ...options, seed, sybils, honest: options.nodes - sybils, viewSize: VIEW_SIZE, known: KNOWN, stream: ATTACK }
    const total = options.minutes + options.machineMinutes
    const world = new SybilExchange(init)
    const curve: Array<[number, number]> = []
    let found: SybilShares | undefined
    for (let minute = 1; minute <= options.minutes; minute++) {
      world.runMinute(() => { progress(minute, total) })
      found = world.measure()
      curve.push([minute, mean(found.shares)])
    }
    const { shares, entries, reached, refused } = found as SybilShares
    record('sybils', mean(shares))
    record('sybilsWorst', Math.max(...shares))
    record('sybilsFirst', curve[0]?.[1] ?? 0)
    record('sybilsThird', curve[2]?.[1] ?? 0)
    record('entries', entries)
    record('reached', reached)
    record('refused', refused)
    series('Sybils of honest views', curve, { x: 'minute', y: 'share' })
    distribution('Sybils of a view', shares, 'share')

    const machines = runMachines(options, seed, minute => { progress(options.minutes + minute, total) })
    record('sybilsMachines', mean(machines.shares))
    record('sybilsMachinesWorst', Math.max(...machines.shares))
    record('reachedMachines', machines.reached)

    const without = POLICIES.map(([name, rule]) => {
      const compared = new SybilExchange({ ...init, ...rule })
      for (let minute = 0; minute < COMPARED_MINUTES; minute++) {
        compared.runMinute(() => { progress(total, total) })
      }
      return { name, ...compared.measure() }
    })
    record('noNetworkRule', mean(without[0]!.shares))
    record('noSourceRule', mean(without[1]!.shares))
    record('noRule', mean(without[2]!.shares))
    table(`after ${COMPARED_MINUTES} minutes`, ['rules', 'Sybils of views', 'worst view', 'honest together'], [
      ['as shipped', percent(curve[COMPARED_MINUTES - 1]?.[1] ?? 0), '', ''],
      ...without.map(one => [one.name, percent(mean(one.shares)), percent(Math.max(...one.shares)), percent(one.reached)])
    ])

    check('Sybils keep at most a quarter of honest views', mean(shares) <= MOST,
      `${percent(mean(shares))}, ${percent(Math.max(...shares))} in the worst view; ${percent(curve[0]?.[1] ?? 0)} after a minute`)
    check('honest nodes stay one network', reached === 1 && machines.reached === 1, `${percent(reached)}; machines ${percent(machines.reached)}`)
    if (options.machineMinutes >= 20) {
      check('Sybils keep at most a quarter of the views of machines', mean(machines.shares) <= MOST,
        `${percent(mean(machines.shares))}, ${percent(Math.max(...machines.shares))} in the worst view`)
    }
    if (options.share >= 0.2 && options.nodes >= 600) {
      check('without the rule of networks they have more than a quarter', mean(without[0]!.shares) > MOST, percent(mean(without[0]!.shares)))
    }
  }
})

function runMachines (
  { machines, share, subnets, machineMinutes }: { machines: number, share: number, subnets: number, machineMinutes: number },
  seed: number, onMinute: (minute: number) => void
): { shares: Float64Array, reached: number } {
  const world = new ExchangeWorld({
    seed,
    nodes: machines,
    knows: node => Array.from({ length: KNOWN }, (_, i) => i).filter(other => other !== node),
    sybils: Math.round(machines * share),
    sybilNetworks: subnets
  })
  for (let minute = 1; minute <= machineMinutes; minute++) {
    world.sim.run(minute * MINUTE_MS)
    onMinute(minute)
  }
  return { shares: world.sybilShares(), reached: world.reached() / world.honest }
}

function mean (values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function percent (share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
