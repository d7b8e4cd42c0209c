/**
 * `npm run bench -- nat-matrix [rounds] [--kinds A,B | --independent | --pairs PROVIDER:CALLER,…] [--page FILE]`: every pair of the kinds of NAT of
 * the laboratory, with the real `skein` command as processes. One provider and one caller behind NATs, and a seed that relays; the path between them,
 * the time to it and to the first token, and what went over which path. Pairs whose NATs both map endpoint-independently, and those of `--pairs`, are
 * run `rounds` times, the others once; `--independent` runs those alone. Without a choice docs/nat-matrix.md is written. Root and Linux only.
 */
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { NAT_KINDS, NatLab } from '@skein/testnet/nat-lab'
import { LabMesh } from '../test/nat-lab/lab-mesh.ts'
import { matrixPage } from './nat-matrix/page.ts'
import type { NatHost, NatKind } from '@skein/testnet/nat-lab'
import type { PairResult } from '../test/nat-lab/lab-mesh.ts'
import type { MatrixPair } from './nat-matrix/page.ts'

const { values, positionals } = parseArgs({
  options: { kinds: { type: 'string' }, independent: { type: 'boolean' }, pairs: { type: 'string' }, page: { type: 'string' } },
  allowPositionals: true
})
const ROUNDS = Number(positionals[0] ?? 3)
const PAGE = values.page ?? new URL('../../../docs/nat-matrix.md', import.meta.url)
const TOKENS = 40
/** Behind these a port is seen at the same address by all, over TCP. */
const INDEPENDENT: readonly NatKind[] = ['public', 'full-cone', 'restricted', 'port-restricted', 'cgnat', 'udp-blocked']
const CHOSEN = values.pairs?.split(',')
const KINDS: readonly NatKind[] = CHOSEN !== undefined
  ? [...new Set(CHOSEN.flatMap(pair => pair.split(':')))] as NatKind[]
  : values.kinds !== undefined ? values.kinds.split(',') as NatKind[] : values.independent === true ? INDEPENDENT : NAT_KINDS
/** A pair that takes longer is told as one that did not answer, ms. */
const PAIR_LIMIT_MS = 60_000

const pairs: MatrixPair[] = []
const mesh = new LabMesh(await NatLab.open())
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => { void mesh.close().finally(() => process.exit(1)) })
}
try {
  await mesh.startStun()
  await mesh.startRelay('seed')
  for (const kind of KINDS) {
    await mesh.lab.addHost(`provider-${kind}`, kind)
    await mesh.lab.addHost(`caller-${kind}`, kind)
  }
  for (const provider of KINDS) {
    const callers = KINDS.filter(caller => CHOSEN?.includes(`${provider}:${caller}`) ?? true)
    if (callers.length === 0) {
      continue
    }
    const running = await mesh.startProvider(hostOf(`provider-${provider}`))
    for (const caller of callers) {
      const isIndependent = INDEPENDENT.includes(provider) && INDEPENDENT.includes(caller)
      const pair: MatrixPair = { provider, caller, isIndependent, results: [] }
      for (let round = 0; round < (isIndependent || CHOSEN !== undefined ? ROUNDS : 1); round++) {
        const result = await limited(mesh.pair(hostOf(`caller-${caller}`), running, TOKENS))
        pair.results.push(result)
        const { path, pathMs, firstTokenMs, firstPath, nextTokenMs, nextPath, errors } = result
        console.log(`${provider} from ${caller}: ${path} after ${pathMs} ms; first token ${firstTokenMs} ms by ${firstPath}, ` +
          `then ${nextTokenMs} ms by ${nextPath} ${errors.join('; ')}`)
      }
      pairs.push(pair)
    }
    await mesh.stopProviders()
  }
} finally {
  await mesh.close()
}

const { page, results } = matrixPage(pairs, KINDS, ROUNDS)
if (KINDS === NAT_KINDS || values.page !== undefined) {
  await writeFile(PAGE, page)
}
console.log(JSON.stringify({ bench: 'nat-matrix', results }))

function hostOf (name: string): NatHost {
  return mesh.lab.hosts.find(host => host.name === name) as NatHost
}

async function limited (pair: Promise<PairResult>): Promise<PairResult> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<PairResult>(resolve => {
    timer = setTimeout(() => { resolve(failed(`nothing after ${PAIR_LIMIT_MS / 1000} s`)) }, PAIR_LIMIT_MS)
  })
  try {
    return await Promise.race([pair, late])
  } catch (error) {
    return failed((error as Error).message)
  } finally {
    clearTimeout(timer)
  }
}

function failed (why: string): PairResult {
  return { path: 'none', pathMs: 0, answered: 0, bytes: {}, errors: [why] }
}
