/** The page that a run of `relay-share` writes, docs/relay-share.md, and the figures that a script reads. */
import { RELAY_MIXES } from '@skein/simulator'
import type { PointSummary, Summary } from '@skein/simulator/run'

export interface Sweep {
  /** Of the command line */
  args: string[]
  summary: Summary
}

export interface SharePage {
  runs: number
  size: string[]
  mixes: Sweep
  variants: Sweep[]
}

interface Figure {
  name: string
  value: number
  unit: string
  better: 'lower' | 'higher'
  target?: number
}

const HEADLINE = { mix: 'mobile', providers: 3 }
const TARGET = 0.05
const POINT_COLUMNS = [
  'mix', 'providers', 'relayed', 'in the runs', 'relay only', 'relayed, of the other callers', 'punched', 'first token p50, p95 ms'
]
const VARIANT_COLUMNS = ['', 'relayed', 'relay only', 'first token p50, p95 ms', 'whole answer p50, p95 s']
const WHAT: Record<string, string> = {
  'memory=false': 'the ranking forgets how a provider was reached, and whether the caller has IPv6',
  'scouting=false': 'others are connected only when they are called',
  'patience=false': 'no call waits for a punch',
  'webrtc=false': 'without WebRTC',
  'portMapping=false': 'without port mapping',
  'portMapping=false webrtc=false': 'without either',
  'punchSuccess=0.6': 'punches work for 60 % of pairs',
  'punchSuccess=0.8': 'punches work for 80 % of pairs',
  'sessions=ipfs': 'times online as in IPFS, half of them below an hour',
  'turns=1': 'one question a chat',
  'turns=20': 'twenty questions a chat'
}

/** The mixes, from the code. */
export function mixesTable (): string {
  return table([
    'mix', 'what', 'public', 'endpoint-independent, open', '… port-restricted', 'symmetric, sequential', '… random', 'UDP blocked',
    'router maps ports', 'IPv6', 'fitted to'
  ], RELAY_MIXES.map(({ name, population: { ipv6, mappable, mix }, source, what }) =>
      [`\`${name}\``, what, ...Object.values(mix).map(share => whole(share)), whole(mappable), whole(ipv6), source]))
}

export function sharePage ({ mixes, runs, size, variants }: SharePage): { page: string, results: Figure[] } {
  const { points } = mixes.summary
  const headline = points.find(({ point }) => point.mix === HEADLINE.mix && point.providers === HEADLINE.providers) as PointSummary
  const misses = points.filter(({ point, metrics }) => point.providers === HEADLINE.providers && value(metrics, 'relayedExpected') >= TARGET)
    .map(({ point }) => `\`${point.mix}\``)
  const all = [mixes, ...variants].flatMap(({ summary }) => summary.points)
  const sum = (metric: string): number => Math.round(all.reduce((sum, { metrics }) => sum + value(metrics, metric) * runs, 0))
  const answers = sum('answers').toLocaleString('en')
  const { metrics } = headline
  const [reached, floor] = [share(value(metrics, 'relayedExpected')), share(value(metrics, 'relayOnlyExpected'))]
  const missed = misses.length === 0 ? 'Every mix stays below it.' : `With the same choice the aim is missed in ${misses.join(' and ')}.`
  const spread = runs === 1 ? 'One run' : `Mean of ${runs} runs and its 95 % confidence interval`
  const page = `# The relay share

Which share of the bytes of answers goes through relays, by the rules that ship: written by \`npm run bench -- relay-share\`, which runs
the scenario [\`relay-share\`](../simulations/relay-share.ts) (\`skein simulate relay-share --help\`) ${times(runs)} at each point, with
\`${size.join(' ')}\`. What runs there is said at its head; CI runs it at its small size and fails when a claim does not hold.

**The aim is less than 5 %, in the mix of consumers and phones (\`mobile\`), with a choice among 3 providers, port
mapping and WebRTC: ${reached} are reached**, of which ${floor} are callers to whom none of the three comes but through a relay.
${missed}
Of ${answers} answers in all runs on this page, relays cut off ${sum('cut')}; ${sum('failed')} calls found no provider;
relays refused ${sum('refused')} circuits.

## The mixes are assumptions

No survey gives the NATs of the devices that a mesh of models would have. These were fitted to what is published (last column), and all
that is below depends on them. A carrier's NAT in front of a home router's (CGNAT) maps as that does, and counts as port-restricted; ports
can be mapped in neither. "IPv6": let in by the firewall, by a rule or by a punch.

<!-- mixes: from packages/simulator/src/nat/relay-mixes.ts -->

${mixesTable()}

<!-- /mixes -->

## Share of bytes that relays carry

${spread}. "Relay only": the share of callers that reach none of the providers but
through a relay, which is exact. Which providers stand in a run moves the share by more than all that callers do, so that "relayed" takes
that part as computed, and "in the runs" is what came out. Bold: 5 % and more.

${pointsTable(points)}

## What it depends on

\`mobile\`, 3 providers, one thing changed at a time. The first three are rules that can be left out in the scenario alone; port mapping and
WebRTC are what a network has; the rest was assumed.

${table(VARIANT_COLUMNS, [row('all rules', headline), ...variants.map(variantRow)])}

- **What is left is the floor.** A caller behind a symmetric NAT of random ports without IPv6 reaches providers that can be dialled, and
  over WebRTC those whose NAT lets anybody in. Birthday probing (256 sockets against a random NAT), which does not ship, would lower it,
  and so does a fourth provider.
- A call that nothing but a relay can carry goes through it, budget spent or not. A caller's budget begins to count at 1 MiB, 200 answers
  of this size: few come so far.
- A circuit lasts 10 min and carries 16 MiB, as relays ship. An answer that takes longer is cut off, with an error: hardly one of 250 tokens
  in the median, but 3 % of the relayed ones where the median is 4,000 (\`--set tokens=4000\`, one run at the small size).
- Round trips are log-normal around 60 ms, relayed ones the sum of two; a punch takes 339 ms beside its round trips, the median between
  network namespaces of one machine ([nat-matrix](nat-matrix.md)). Punches work for 70 % ± 7.1 % of the pairs for which they can, 97.6 %
  of those at the first attempt (D. Trautwein et al., "Challenging Tribal Knowledge: Large Scale Measurement Campaign on Decentralized NAT
  Traversal", 2025); a pair that fails is taken to fail over WebRTC too.
- Not simulated: reputation, which makes callers stay with those they know; offers that are older than they say; relays that die
  ([supernodes](../simulations/README.md#supernodes)).
`
  const figure = (name: string, metric: string, target?: number): Figure =>
    ({ name, value: value(metrics, metric), unit: metrics[metric]?.unit ?? '', better: 'lower', ...target === undefined ? {} : { target } })
  return {
    page,
    results: [
      figure('relayed bytes, mobile, 3 providers', 'relayedExpected', TARGET),
      figure('the same in the runs', 'relayedBytes', TARGET),
      figure('answers that relays cut off', 'cut', 0),
      figure('calls without an answer', 'failed', 0),
      figure('first token p95', 'firstTokenP95')
    ]
  }
}

function pointsTable (points: readonly PointSummary[]): string {
  return table(POINT_COLUMNS, points.map(({ point, metrics }) => [
    `\`${String(point.mix)}\``,
    String(point.providers),
    bold(interval(metrics, 'relayedExpected'), value(metrics, 'relayedExpected') >= TARGET),
    interval(metrics, 'relayedBytes'),
    share(value(metrics, 'relayOnlyExpected')),
    interval(metrics, 'relayedWithChoice'),
    interval(metrics, 'punchedBytes'),
    `${value(metrics, 'firstTokenP50').toFixed(0)}, ${value(metrics, 'firstTokenP95').toFixed(0)}`
  ]))
}

function variantRow ({ args, summary }: Sweep): string[] {
  const name = args.filter(arg => arg !== '--set').join(' ')
  return row(`${WHAT[name] ?? name} (\`${name}\`)`, summary.points[0] as PointSummary)
}

function row (what: string, { metrics }: PointSummary): string[] {
  return [
    what,
    bold(interval(metrics, 'relayedExpected'), value(metrics, 'relayedExpected') >= TARGET),
    share(value(metrics, 'relayOnlyExpected')),
    `${value(metrics, 'firstTokenP50').toFixed(0)}, ${value(metrics, 'firstTokenP95').toFixed(0)}`,
    `${(value(metrics, 'wholeP50') / 1_000).toFixed(1)}, ${(value(metrics, 'wholeP95') / 1_000).toFixed(1)}`
  ]
}

function value (metrics: PointSummary['metrics'], name: string): number {
  return metrics[name]?.mean ?? NaN
}

function times (runs: number): string {
  return runs === 1 ? 'once' : `${runs} times`
}

function interval (metrics: PointSummary['metrics'], name: string): string {
  const { mean = NaN, ci95 } = metrics[name] ?? {}
  return ci95 == null ? share(mean) : `${(100 * mean).toFixed(1)} ± ${(100 * ci95).toFixed(1)} %`
}

function share (value: number): string {
  return `${(100 * value).toFixed(1)} %`
}

function whole (value: number): string {
  return `${Number((100 * value).toFixed(1))} %`
}

function bold (text: string, isBold: boolean): string {
  return isBold ? `**${text}**` : text
}

function table (head: string[], rows: string[][]): string {
  return [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}
