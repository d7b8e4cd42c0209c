/**
 * `npm run bench -- relay-share [RUNS] [--page FILE]`: the scenario `relay-share` for every mix with 1, 3 and 5 providers, and what each rule, and
 * each thing that was assumed, is worth; written to docs/relay-share.md.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { execFile } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { RELAY_MIX_NAMES } from '@skein/simulator'
import { sharePage } from './relay-share/page.ts'
import type { Summary } from '@skein/simulator/run'
import type { Sweep } from './relay-share/page.ts'

const { values, positionals } = parseArgs({ options: { page: { type: 'string' } }, allowPositionals: true })
const RUNS = Number(positionals[0] ?? 5)
const PAGE = values.page ?? fileURLToPath(new URL('../../../docs/relay-share.md', import.meta.url))
const SKEIN = fileURLToPath(new URL('../../cli/src/bin/skein.ts', import.meta.url))
const SIZE = ['--set', 'hours=6']
const folder = mkdtempSync(join(tmpdir(), 'skein-relay-share-'))
let made = 0

/** A claim that does not hold ends the command with status 1, and is told on the page. */
async function sweep (...args: string[]): Promise<Sweep> {
  const out = join(folder, String(made++))
  const all = ['simulate', 'relay-share', '--runs', String(RUNS), ...SIZE, ...args]
  await promisify(execFile)(process.execPath, ['--conditions=skein-source', SKEIN, ...all, '--out', out]).catch(() => {})
  const summary = JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')) as Summary
  console.log(`skein ${all.join(' ')}`)
  return { args, summary }
}

try {
  const { page, results } = sharePage({
    runs: RUNS,
    size: SIZE,
    mixes: await sweep('--sweep', `mix=${RELAY_MIX_NAMES.join()}`, '--sweep', 'providers=1,3,5'),
    variants: [
      await sweep('--set', 'memory=false'),
      await sweep('--set', 'scouting=false'),
      await sweep('--set', 'patience=false'),
      await sweep('--set', 'webrtc=false'),
      await sweep('--set', 'portMapping=false'),
      await sweep('--set', 'portMapping=false', '--set', 'webrtc=false'),
      await sweep('--set', 'punchSuccess=0.6'),
      await sweep('--set', 'punchSuccess=0.8'),
      await sweep('--set', 'sessions=ipfs'),
      await sweep('--set', 'turns=1'),
      await sweep('--set', 'turns=20')
    ]
  })
  writeFileSync(PAGE, page)
  console.log(JSON.stringify({ bench: 'relay-share', results }))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
