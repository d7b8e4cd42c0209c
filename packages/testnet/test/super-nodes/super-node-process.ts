/** A relay with a seat, in a process of its own, so that it can be killed: it signs its leases, and answers who asks for leases with those it is told. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { systemClock } from '@skein/core/system'
import { signSuperNodeLease } from '@skein/records'
import { createSeed } from '@skein/seed'
import { LeaseDesk } from '@skein/supernode/libp2p'
import { loopbackHost, loopbackNetworks } from '../../src/index.ts'
import type { SuperNodeLease, VerifiedNetwork } from '@skein/records'
import type { SuperNodeReport, SuperNodeOrder } from './elected-relay.ts'

const [host = '', announced = '', bootstrap = '', region = ''] = process.argv.slice(2)
const clock = systemClock()
const privateKey = await generateKeyPair('Ed25519')
const networkOf = loopbackNetworks()
const seed = await createSeed({
  ...loopbackHost(host), announce: [announced], bootstrap: [bootstrap], networkOf, roles: ['relay', 'bootstrap'], privateKey, region
})
let leases: Array<Uint8Array<ArrayBuffer>> = []
const desk = new LeaseDesk({ libp2p: seed.peer.libp2p, clock, answer: () => ({ leases, peers: 10 }) })
await desk.start()
await seed.peer.libp2p.services.routing.announce({ model: `/skein/supernode/1/${region}`, tasks: ['elector'], region: '' })

let fence = 0
async function sign ({ lifeMs, withdrawn }: Extract<SuperNodeOrder, { type: 'sign' }>): Promise<string> {
  const issuedAtMs = Math.floor(clock.nowMs())
  const lease: SuperNodeLease = {
    peer: seed.id,
    region,
    term: Math.floor(issuedAtMs / 600_000),
    fence: ++fence,
    roles: ['hub', 'relay', 'stun', 'ingest'],
    addresses: [announced, `/ip4/${host}/udp/3478`],
    networks: [networkOf(announced) as VerifiedNetwork],
    quota: {},
    issuedAtMs,
    expiresAtMs: issuedAtMs + lifeMs,
    withdrawn
  }
  return Buffer.from((await signSuperNodeLease(lease, privateKey)).envelope).toString('base64')
}

const report = (message: SuperNodeReport): void => { process.send?.(message) }

process.on('message', async (order: SuperNodeOrder) => {
  switch (order.type) {
    case 'sign':
      report({ type: 'signed', lease: await sign(order) })
      break
    case 'answer':
      leases = order.leases.map(lease => Uint8Array.from(Buffer.from(lease, 'base64')))
      break
  }
})
process.on('disconnect', () => { process.exit() })
report({ type: 'started', id: seed.id, port: listeningPort() })

/** Of the address that `announce` hides. */
function listeningPort (): number {
  const { components } = seed.peer.libp2p as unknown as { components: { transportManager: { getAddrs: () => Array<{ toString: () => string }> } } }
  const address = components.transportManager.getAddrs().map(String).find(one => one.includes('/tcp/'))
  return Number(/\/tcp\/(\d+)/.exec(address ?? '')?.[1])
}
