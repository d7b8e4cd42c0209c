/** The page that a run of the matrix of NATs writes, docs/nat-matrix.md, and the figures that a script reads. */
import { cpus, loadavg } from 'node:os'
import type { NatKind } from '@skein/testnet/nat-lab'
import type { PairResult } from '../../test/nat-lab/lab-mesh.ts'

export interface MatrixPair {
  provider: NatKind
  caller: NatKind
  /** Both NATs map endpoint-independently */
  isIndependent: boolean
  results: PairResult[]
}

export interface Figure {
  name: string
  value: number
  unit: string
  better: 'lower' | 'higher'
  target?: number
}

const DIRECT = ['direct', 'punched']

export function matrixPage (pairs: MatrixPair[], kinds: readonly NatKind[], rounds: number): { page: string, results: Figure[] } {
  const independent = pairs.filter(({ isIndependent }) => isIndependent).flatMap(({ results }) => results)
  const all = pairs.flatMap(({ results }) => results)
  const pathMs = independent.filter(({ path }) => DIRECT.includes(path)).map(result => result.pathMs)
  const firstMs = all.flatMap(({ firstTokenMs }) => firstTokenMs === undefined ? [] : [firstTokenMs])
  const independentFirstMs = independent.flatMap(({ firstTokenMs }) => firstTokenMs === undefined ? [] : [firstTokenMs])
  const results: Figure[] = [
    { name: 'answers that came whole', value: share(all.map(({ answered }) => answered / 2)), unit: 'share', better: 'higher', target: 1 },
    {
      name: 'direct or punched, both mappings endpoint-independent',
      value: share(independent.map(({ path }) => DIRECT.includes(path) ? 1 : 0)), unit: 'share', better: 'higher', target: 1
    },
    { name: 'time to that path, p50', value: quantile(pathMs, 0.5), unit: 'ms', better: 'lower' },
    { name: 'time to that path, p95', value: quantile(pathMs, 0.95), unit: 'ms', better: 'lower', target: 2_000 },
    { name: 'time to the first token of those, p50', value: quantile(independentFirstMs, 0.5), unit: 'ms', better: 'lower' },
    { name: 'time to the first token of those, p95', value: quantile(independentFirstMs, 0.95), unit: 'ms', better: 'lower' },
    { name: 'time to the first token, all pairs, p50', value: quantile(firstMs, 0.5), unit: 'ms', better: 'lower' },
    { name: 'time to the first token, all pairs, p95', value: quantile(firstMs, 0.95), unit: 'ms', better: 'lower' },
    {
      name: 'pairs that are left with a relay',
      value: share(pairs.map(({ results }) => results.some(({ path }) => DIRECT.includes(path)) ? 0 : 1)), unit: 'share', better: 'lower'
    }
  ]
  const table = (cell: (pair: MatrixPair) => string): string => [
    `| provider \\ caller | ${kinds.join(' | ')} |`,
    `|---|${kinds.map(() => '---|').join('')}`,
    ...kinds.map(provider => `| **${provider}** | ${kinds.map(caller => {
      const pair = pairs.find(one => one.provider === provider && one.caller === caller)
      return pair === undefined ? '' : cell(pair)
    }).join(' | ')} |`)
  ].join('\n')
  const failures = pairs.flatMap(({ provider, caller, results }) =>
    results.flatMap(({ errors }) => errors.map(error => `- ${provider} from ${caller}: ${shortText(error)}`)))
  const page = `# Paths between NATs

Written by \`npm run bench -- nat-matrix\`, which runs every pair of the NATs of the laboratory (\`@skein/testnet/nat-lab\`: network namespaces
and nftables, each kind verified by a probe of RFC 5780) with the real \`skein\` command: \`skein seed\`, which relays and listens on TCP 7310 and
443 and on WebSocket port 80; \`skein peer --serve smoke\` behind one NAT; a peer that has just joined behind another, which calls it, lets a better
path be found for up to 4 s, and calls again. There is a STUN server with two addresses, and no delay between the hosts. Pairs whose NATs both map
endpoint-independently were run ${rounds} times, the others once; where a cell has one figure it is the median. This run: ${cpus().length} cores of
${cpus()[0]?.model.trim() ?? 'a machine'}, Node ${process.versions.node}, load ${loadavg()[0]?.toFixed(1)} at the end.

| | reached | aim |
|---|---|---|
${results.map(({ name, value, unit, target }) => `| ${name} | ${figureText(value, unit)} | ${aimText(target, unit)} |`).join('\n')}

## Path in the end, and ms to it from the first connection

A dial that works at once takes 0 ms: the first connection is the path.

${table(({ results }) => `${mostOf(results.map(({ path }) => path))} ${Math.round(quantile(results.map(({ pathMs }) => pathMs), 0.5))}`)}

## ms to the first token: the first call of a newcomer, and the next

The first call finds an offer's provider, connects and asks; the next one has a connection.

${table(({ results }) => ['firstTokenMs', 'nextTokenMs'].map(one => medianText(results.map(result => result[one as 'firstTokenMs']))).join(', '))}

## Bytes of both answers that came through a relay, %

${table(({ results }) => String(Math.round(100 * share(results.map(({ bytes }) => relayedShare(bytes))))))}

## Calls that failed

${failures.length === 0 ? 'None.' : failures.join('\n')}
`
  return { page, results }
}

function relayedShare (bytes: Record<string, number>): number {
  const total = Object.values(bytes).reduce((sum, one) => sum + one, 0)
  return total === 0 ? 0 : (bytes.relayed ?? 0) / total
}

function share (values: number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, one) => sum + one, 0) / values.length
}

function quantile (values: number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] ?? 0
}

function medianText (values: Array<number | undefined>): string {
  const known = values.filter(value => value !== undefined)
  return known.length === 0 ? 'none' : String(Math.round(quantile(known, 0.5)))
}

function mostOf (values: string[]): string {
  const count = (value: string): number => values.filter(one => one === value).length
  return values.toSorted((a, b) => count(b) - count(a))[0] ?? 'none'
}

function figureText (value: number, unit: string): string {
  return unit === 'share' ? `${Number((100 * value).toFixed(1))} %` : `${Math.round(value)} ${unit}`
}

/** What failed, and what the relay said; the private addresses that were tried too say nothing. */
function shortText (error: string): string {
  const status = /relay with status (\w+)/.exec(error)
  return `${error.split(' (')[0]}${status === null ? '' : ` (${status[1]})`}`
}

function aimText (target: number | undefined, unit: string): string {
  return target === undefined ? '' : unit === 'share' ? `${100 * target} %` : `≤ ${target} ${unit}`
}
