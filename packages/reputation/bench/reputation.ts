/** The cost of a reputation ledger: receipts counted, scores of 10,000 peers, a two-hop flow over 1,000 witnesses. See README.md beside. */
import { SeededRandom, randomBelow } from '@skein/core'
import { eigenTrust, ReputationLedger, twoHopFlow } from '@skein/reputation'
import type { InferenceReceipt, ReceiptProof } from '@skein/records'
import type { WitnessRule } from '@skein/reputation'

const NOW_MS = 1_800_000_000_000
const PEERS = 10_000
const WITNESSES = 1000
const EDGES = 50
const SERVICE = 'inference'
const random = new SeededRandom(1)
let serial = 0

function proof (provider: string, consumer: string): ReceiptProof {
  const receipt: InferenceReceipt = {
    kind: 'inference', requestId: (++serial).toString(16).padStart(32, '0'), provider, consumer,
    outcome: randomBelow(random, 20) === 0 ? 'failed' : 'complete', path: 'direct', bytes: 1000, model: 'm', tokensIn: 10, tokensOut: 100,
    durationMs: 1000, issuedAtMs: NOW_MS + serial, expiresAtMs: NOW_MS + 30 * 86_400_000
  }
  return { receipt, byConsumer: Uint8Array.of(1), byProvider: Uint8Array.of(1) }
}

/** The best of three, ms. */
function measure (run: () => void): number {
  return Math.min(...Array.from({ length: 3 }, () => {
    const startMs = performance.now()
    run()
    return performance.now() - startMs
  }))
}

function updates (): number {
  const count = 50_000
  const ms = measure(() => {
    const ledger = new ReputationLedger({ self: 'me' })
    for (let i = 0; i < count; i++) {
      ledger.onReceipt(proof(`peer-${i % PEERS}`, 'me'), NOW_MS + serial)
    }
  })
  return count / ms * 1000
}

/** A ledger with a thousand witnesses, each of which delivered ten times and tells of fifty others. */
function witnessed (rule: WitnessRule): ReputationLedger {
  const ledger = new ReputationLedger({ self: 'me', rule, maxWitnesses: WITNESSES, networkOf: peer => `as-${peer.length}-${peer.at(-1) ?? ''}` })
  for (let i = 0; i < WITNESSES; i++) {
    ledger.onEvidence(`peer-${i}`, SERVICE, { good: 10 }, NOW_MS)
  }
  for (let i = 0; i < WITNESSES; i++) {
    ledger.onReceipt(proof('subject', `peer-${i}`), NOW_MS + serial)
    for (let j = 1; j < EDGES; j++) {
      ledger.onReceipt(proof(`peer-${(i + j * 7) % WITNESSES}`, `peer-${i}`), NOW_MS + serial)
    }
  }
  return ledger
}

const perSecond = updates()

const many = new ReputationLedger({ self: 'me', maxPeers: 2 * PEERS })
for (let i = 0; i < PEERS; i++) {
  many.onEvidence(`peer-${i}`, SERVICE, { good: 5 }, NOW_MS)
}
const scoresMs = measure(() => {
  for (let i = 0; i < PEERS; i++) {
    many.score(`peer-${i}`, SERVICE, NOW_MS + 1000)
  }
})

const flow = witnessed(twoHopFlow)
const flowRounds = 50
const flowMs = measure(() => {
  for (let i = 0; i < flowRounds; i++) {
    flow.score('subject', SERVICE, NOW_MS + 100_000 + i)
  }
}) / flowRounds
const eachMs = measure(() => {
  for (let i = 0; i < WITNESSES; i++) {
    flow.score(`peer-${i}`, SERVICE, NOW_MS + 200_000)
  }
})

const eigen = witnessed(eigenTrust)
const eigenMs = measure(() => { eigen.score('subject', SERVICE, NOW_MS + 100_000) })

console.log(`receipts counted              ${Math.round(perSecond)} /s (signatures not included)`)
console.log(`scores of 10,000 peers        ${scoresMs.toFixed(1)} ms`)
console.log(`one score, 1,000 witnesses    ${flowMs.toFixed(2)} ms by two-hop flow, ${eigenMs.toFixed(0)} ms by EigenTrust`)
console.log(`scores of 1,000 peers, each with 49 witnesses: ${eachMs.toFixed(0)} ms`)
console.log(JSON.stringify({
  bench: 'reputation',
  results: [
    { name: 'receipts counted', value: Math.round(perSecond), unit: '/s', better: 'higher' },
    { name: 'scores of 10,000 peers', value: Number(scoresMs.toFixed(2)), unit: 'ms', better: 'lower' },
    { name: 'two-hop flow, 1,000 witnesses of one peer', value: Number(flowMs.toFixed(3)), unit: 'ms', better: 'lower' },
    { name: 'two-hop flow, 1,000 peers of 49 witnesses each', value: Number(eachMs.toFixed(1)), unit: 'ms', better: 'lower' },
    { name: 'EigenTrust, 1,000 peers x 50 edges', value: Number(eigenMs.toFixed(1)), unit: 'ms', better: 'lower' }
  ]
}))
