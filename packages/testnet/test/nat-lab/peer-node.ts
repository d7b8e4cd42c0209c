/**
 * A node of the mesh in a host of the laboratory: `seed`, which relays and answers STUN; `provider SEED STUN`, which serves a model slowly; and
 * `caller SEED STUN [PATIENCE_MS]`, which asks for it twice, at once through the relay unless it is to have patience. It prints a line of JSON for each
 * thing that happens.
 */
import { networkInterfaces } from 'node:os'
import { createPeer } from '@skein/peer'
import { createSeed } from '@skein/seed'
import { StunResponder } from '@skein/supernode/node'
import type { Peer } from '@skein/peer'

const [role = '', seedAddress = '', stunAddress = '', patienceMs = '0'] = process.argv.slice(2)
const MODEL = 'slow'
/** An answer of three seconds, in which a punch has time to happen. */
const PIECES = 30
const PIECE_MS = 100
const PIECE_CHARS = 200
const [seedPlace = ''] = seedAddress.split('/p2p/')
let mayConnect = false

function tell (line: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify({ atMs: Date.now(), ...line })}\n`)
}

async function pause (ms: number): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, ms))
}

if (role === 'seed') {
  await seed()
} else {
  const peer = await createPeer({
    bootstrap: [seedAddress],
    relay: role === 'provider' ? 'listen' : 'dial',
    reachability: { stun: [stunAddress], budget: { freeBytes: 1_000 }, patienceMs: Number(patienceMs) },
    checks: false,
    // what keeps the mesh together would connect the two before the call does
    gossip: false,
    pex: false,
    connectionGater: { denyDialMultiaddr: address => !mayConnect && !isOfSeed(address.toString()) }
  })
  peer.addEventListener('path:changed', ({ detail }) => {
    mayConnect ||= detail.to === 'relayed' // the call came
    tell({ changed: detail })
  })
  while (peer.standing?.nat === undefined) {
    await pause(50)
  }
  tell({ standing: peer.standing, id: peer.id })
  await (role === 'provider' ? provide(peer) : call(peer))
}

function isOfSeed (address: string): boolean {
  return address.startsWith(seedPlace) && !address.includes('/p2p-circuit')
}

async function seed (): Promise<void> {
  const hosts = Object.values(networkInterfaces()).flat().flatMap(one => one?.family === 'IPv4' && !one.internal ? [one.address] : [])
  const [host = '', alternateHost = ''] = hosts
  await StunResponder.start({ host, port: 3478, alternatePort: 3479, alternateHost })
  const { addresses } = await createSeed({ listen: [`/ip4/${host}/tcp/4000`], roles: ['bootstrap', 'discover', 'relay'] })
  tell({ seed: addresses[0], stun: `/ip4/${host}/udp/3478` })
}

async function provide (peer: Peer): Promise<void> {
  await peer.serve(MODEL, async function * () {
    for (let i = 0; i < PIECES; i++) {
      await pause(PIECE_MS)
      yield 'x'.repeat(PIECE_CHARS)
    }
  })
  while (peer.relays.length === 0) {
    await pause(50)
  }
  tell({ serving: MODEL })
  setInterval(() => { tell({ receipts: receiptPaths(peer) }) }, 500)
}

async function call (peer: Peer): Promise<void> {
  for (let isFound = false; !isFound; await pause(100)) {
    for await (const { addresses } of peer.findModel(MODEL)) {
      isFound ||= addresses.some(address => address.includes('/p2p-circuit'))
    }
  }
  mayConnect = true
  for (const number of [1, 2]) {
    const chat = peer.chat({ model: MODEL, messages: [] })
    let chars = 0
    for await (const { text } of chat) {
      if (chars === 0) {
        tell({ began: number })
      }
      chars += text.length
    }
    tell({ answered: number, chars, route: await chat.route })
  }
  await pause(2_000)
  tell({ over: true, paths: peer.paths, budget: peer.relayBudget, receipts: receiptPaths(peer), counters: peer.meshServices.paths?.counters })
}

/** In the order of the requests. */
function receiptPaths (peer: Peer): string[] {
  const nowMs = Date.now()
  return peer.libp2p.getPeers()
    .flatMap(other => peer.trust.ledger.receiptsWith(other.toString(), nowMs))
    .map(({ receipt }) => receipt)
    .filter(({ kind }) => kind === 'inference')
    .sort((a, b) => a.issuedAtMs - b.issuedAtMs)
    .map(({ path }) => path)
}
