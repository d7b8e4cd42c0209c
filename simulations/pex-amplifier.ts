/**
 * Peer exchange as a weapon: attackers tell of a victim's addresses as if they were peers, so that honest nodes dial it.
 *
 * Claims: no honest node dials the victim's /24 more than twice in any minute, however many names the attackers make up. What all nodes of a network
 *   do together grows with the network and has no bound of its own; a node that found nobody in a /24 twice leaves it alone for half an hour, then
 *   for twice as long each time, so that the dials of each node fall with the time that the attack has lasted.
 * The attack: each attacker asks honest nodes once a minute (`askers` of them each node) with 49 records of peers that do not exist, signed by names
 *   made for it, each with four addresses in the victim's /24; it answers each question with such. `mixed`: the first address is the attacker's own
 *   and answers, so that the dial counts as a success.
 * Each honest node runs `PeerExchange`, `OutboundKeeper`, `AddressTables` and `DialLimits` as they ship, under a simulated clock, and tells on whom
 *   it was connected to: nobody who does not answer is told on, so that each node hears of the victim from attackers alone. The network has run for
 *   ten minutes when the attack begins. Every address of a dial counts, as if all were tried at once.
 * Parameters: honest nodes, share of attackers (at least one), askers, minutes, what records hold, whether nodes leave a network alone.
 * Expected: a sixteenth of a view is the victim's, and more and more of the new addresses, so that each node dials it about once in five minutes
 *   without back-off. With it the first hour brings two or three dials of each node, the next one or two.
 */
import { DialWorld, defineScenario } from '@skein/simulator'

const MINUTE_MS = 60_000
const ATTACK_FROM = 10
const MOST_OF_NODE = 2
const HALF_HOUR = 30

export default defineScenario({
  name: 'pex-amplifier',
  claims: 'Told of a victim as if it were many peers, no honest node dials its /24 more than twice in a minute, and less and less as nobody answers',
  expected: 'two dials of a node in its worst minute; without back-off 0.2 a minute of each node for as long as the attack lasts, with it a tenth ' +
    'of that in the second hour',
  options: {
    nodes: { type: 'count', default: 200, min: 20, max: 5_000, help: 'honest nodes' },
    share: { type: 'number', default: 0.2, min: 0, max: 0.8, unit: 'share', help: 'attackers, by honest nodes; one at least' },
    askers: { type: 'count', default: 2, min: 1, max: 100, help: 'attackers that ask each node in a minute, if there are so many' },
    minutes: { type: 'count', default: 120, min: 40, max: 1_440, help: 'for which the attack lasts' },
    record: { type: 'choice', default: 'victim', choices: ['victim', 'mixed'], help: 'all addresses the victim\'s, or one the attacker\'s' },
    backOff: { type: 'switch', default: true, help: 'whether nodes leave a network alone in which dials fail' }
  },
  metrics: {
    worst: { unit: 'count', help: 'dials of one node at the victim within a minute, most' },
    perMinute: { unit: '1/min', help: 'dials of all nodes at the victim, over the whole attack' },
    perNode: { unit: '1/min', help: 'the same of each node' },
    first: { unit: '1/min', help: 'of all nodes in the first half hour' },
    last: { unit: '1/min', help: 'of all nodes in the last half hour' },
    nodes: { unit: 'share', help: 'nodes that dialled the victim at all' },
    outbound: { unit: 'count', help: 'outbound connections of a node at the end' }
  },
  small: { nodes: 50, askers: 1, minutes: 60 },
  estimateMemoryBytes: ({ nodes }) => 80e6 + nodes * 2_000_000,

  run ({ options, seed, progress, record, series, check }) {
    const { nodes, minutes } = options
    const attackers = Math.max(1, Math.round(nodes * options.share))
    const world = new DialWorld({
      seed,
      nodes,
      attackers,
      maxAskers: options.askers,
      record: options.record,
      dials: options.backOff ? {} : { maxBackOffMs: 0 },
      attackFrom: ATTACK_FROM
    })
    for (let minute = 1; minute <= ATTACK_FROM + minutes; minute++) {
      world.sim.run(minute * MINUTE_MS)
      progress(minute, ATTACK_FROM + minutes)
    }
    const byMinute = new Float64Array(minutes)
    const byNode = new Map<number, number[]>()
    let worst = 0
    for (const { node, atMs } of world.hits) {
      byMinute[Math.floor(atMs / MINUTE_MS) - ATTACK_FROM]!++
      const times = byNode.get(node) ?? []
      byNode.set(node, times)
      times.push(atMs)
      worst = Math.max(worst, times.filter(time => atMs - time < MINUTE_MS).length)
    }
    const outbound = world.outbound().reduce((sum, count) => sum + count, 0) / nodes
    const [first, last] = [mean(byMinute.subarray(0, HALF_HOUR)), mean(byMinute.subarray(-HALF_HOUR))]
    record('worst', worst)
    record('perMinute', mean(byMinute))
    record('perNode', mean(byMinute) / nodes)
    record('first', first)
    record('last', last)
    record('nodes', byNode.size / nodes)
    record('outbound', outbound)
    const curve = [...byMinute].map((count, minute) => [minute, count] as const)
    series('dials at the victim', curve, { x: 'minute of the attack', y: 'dials of all nodes' })
    check('no honest node dials the victim more than twice in a minute', worst <= MOST_OF_NODE,
      `${worst} at most; all ${nodes} nodes together ${mean(byMinute).toFixed(1)} a minute, ${last.toFixed(1)} in the last half hour`)
    check('nodes keep the connections of their own making', outbound >= 7.5, `${outbound.toFixed(2)} of 8`)
    if (options.backOff && options.record === 'victim' && minutes >= 60) {
      check('the dials of each node fall while nobody answers', last < first, `${first.toFixed(1)} a minute at first, ${last.toFixed(1)} at the end`)
    }
  }
})

function mean (values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
