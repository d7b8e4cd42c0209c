/**
 * What the rules of admission cost: solving and checking a puzzle, checking a token and a certificate, refusing a peer that shows nothing.
 *
 * `npm run bench -- seed-admission`. The last line is one JSON object. `--quick` solves fewer puzzles.
 */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { systemClock } from '@skein/core/system'
import { signCredential } from '@skein/records'
import { checkPuzzle, puzzleWindow, solvePuzzle } from '@skein/records/puzzle'
import { AdmissionGate, parsePolicy, puzzleRule, tokenRule } from '../src/index.ts'

const PUZZLES = process.argv.includes('--quick') ? 3 : 20
const CHECKS = 200
const REFUSALS = 20_000
const nowMs = Date.now()
const results: Array<{ name: string, value: number, unit: string, better: 'lower', target?: number }> = []

const solveMs: number[] = []
const stepMs: number[] = []
let solution = new Uint8Array()
let peer = ''
for (let i = 0; i < PUZZLES; i++) {
  peer = peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
  const steps = solvePuzzle(peer, puzzleWindow(peer, nowMs), 1)
  const startMs = performance.now()
  for (;;) {
    const stepStartMs = performance.now()
    const step = steps.next()
    stepMs.push(performance.now() - stepStartMs)
    if (step.done === true) {
      solution = step.value
      break
    }
  }
  solveMs.push(performance.now() - startMs)
}
solveMs.sort((a, b) => a - b)
report('solving a puzzle of 1 bit, median', solveMs[PUZZLES >> 1] as number, 'ms')
report('solving a puzzle of 1 bit, mean', solveMs.reduce((sum, ms) => sum + ms, 0) / PUZZLES, 'ms')
report('solving a puzzle of 1 bit, longest', solveMs.at(-1) as number, 'ms')
report('longest step of solving', Math.max(...stepMs), 'ms')
report('memory of the process at the end', process.memoryUsage.rss() / 1e6, 'MB')

report('checking a puzzle', await each(CHECKS, async () => { checkPuzzle(peer, solution, 1, nowMs) }), 'ms', 1)
const forged = Uint8Array.from(solution)
forged.copyWithin(8, 12, 16)
report('checking a forged one', await each(CHECKS, async () => {
  try {
    checkPuzzle(peer, forged, 0, nowMs)
  } catch {
    // refused, as it has to be
  }
}), 'ms', 1)

const authority = await generateKeyPair('Ed25519')
const rule = tokenRule({ authorities: [peerIdFromPrivateKey(authority).toString()] })
const envelope = await signCredential({ id: '0'.repeat(32), subject: peer, issuedAtMs: nowMs, expiresAtMs: nowMs + 86_400_000, note: '' }, authority)
const { signal } = new AbortController()
report('checking a token', await each(CHECKS, async () => { await rule.check(peer, [envelope], nowMs, signal) }), 'ms')

const gate = new AdmissionGate({ policy: parsePolicy('puzzle or token'), rules: [puzzleRule(), rule], clock: systemClock() })
report('refusing a peer that shows nothing', await each(REFUSALS, async () => { await gate.judge('nobody', []) }) * 1_000, 'µs')
gate.stop()
console.log(JSON.stringify({ bench: 'seed-admission', results }))

async function each (count: number, work: () => Promise<void>): Promise<number> {
  const startMs = performance.now()
  for (let i = 0; i < count; i++) {
    await work()
  }
  return (performance.now() - startMs) / count
}

function report (name: string, value: number, unit: string, target?: number): void {
  const result = { name, value: Number(value.toPrecision(3)), unit, better: 'lower' as const, ...target === undefined ? {} : { target } }
  results.push(result)
  console.log(`${name}: ${result.value} ${unit}${target === undefined ? '' : ` (target ${target})`}`)
}
