/** Runs a volunteer in a process of its own, honest or not, told what to do by its parent: started by `VolunteerProcess`. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromString } from '@libp2p/peer-id'
import { lpStream } from '@libp2p/utils'
import { PROTOCOLS, signReceipt } from '@skein/records'
import { createSuperNode } from '@skein/seed'
import { slowLink } from '../../../supernode/test/slow-link.ts'
import { loopbackHost, loopbackNetworks } from '../../src/index.ts'
import { askMany, MODEL, serveModel } from './answers.ts'
import type { SuperNode, SuperNodeInit } from '@skein/seed'
import type { Connection, PrivateKey } from '@libp2p/interface'
import type { VolunteerCommand, VolunteerInit, VolunteerReply, VolunteerView } from './volunteer-process.ts'

/**
 * Shorter than what ships, so that a test sees in a minute what takes hours: a volunteer is watched for seconds instead of hours, and verifiers' word
 * lets its reputation rise at once. What is measured, who is a verifier, caps and majorities are as shipped, but for the bandwidth: all nodes of the
 * test share two cores.
 */
export const ELECTION: NonNullable<Exclude<SuperNodeInit['election'], false>> = {
  // candidacies that are seconds late on two busy cores would count as absences
  rules: { minAgeMs: 3_000, minBytesPerSecond: 200_000, minUptime: 0.3 },
  electorRules: {
    candidacyMs: 3_000,
    moreVerifiersMs: 15_000,
    spreadMs: 5_000,
    repeatMs: 5_000,
    reportLifeMs: 600_000,
    listenMs: 6_000,
    electionMs: 2_000,
    recheckMs: 1_000,
    watchedMs: 1_500,
    risePerDay: 10_000
  },
  leaseMs: 10_000,
  graceMs: 1_000
}

const LINE_BYTES_PER_SECOND = 20e6
/** What the line of the one that boasts really carries. */
const SLOW_BYTES_PER_SECOND = 60_000
const MESH_PORT = 7310

/** Whom it served since it forged last */
const forgeTo = new Set<string>()
let node: SuperNode | undefined
let privateKey: PrivateKey | undefined

async function start ({ octet, conduct, bootstrap }: VolunteerInit): Promise<string> {
  const host = `127.${octet}.0.1`
  const boasts = conduct === 'boasts'
  const link = boasts ? await slowLink(host, { host, port: MESH_PORT }, SLOW_BYTES_PER_SECOND) : undefined
  privateKey = await generateKeyPair('Ed25519')
  node = await createSuperNode({
    ...loopbackHost(host),
    listen: [`/ip4/${host}/tcp/${MESH_PORT}`],
    ...link === undefined ? {} : { announce: [`/ip4/${host}/tcp/${link.port}`] },
    privateKey,
    networkOf: loopbackNetworks(),
    region: 'eu-west',
    bootstrap,
    inference: { onServed: ({ peer }) => { forgeTo.add(peer) } },
    quota: { bytesPerSecond: boasts ? 100 * LINE_BYTES_PER_SECOND : LINE_BYTES_PER_SECOND },
    election: ELECTION
  })
  if (conduct !== 'honest') { // those who serve it themselves ask nobody else
    await serveModel(node.peer, conduct)
  }
  return node.id
}

function running (): SuperNode {
  if (node === undefined) {
    throw new Error('It has not been started')
  }
  return node
}

/** To all whom it served: the signature is of no key. */
async function forge (): Promise<number> {
  const { peer } = running()
  const nowMs = Date.now()
  let offered = 0
  for (const served of forgeTo) {
    const signed = await signReceipt({
      kind: 'inference',
      requestId: offered.toString(16).padStart(32, '0'),
      provider: peer.id,
      consumer: served,
      outcome: 'complete',
      path: 'direct',
      bytes: 1e6,
      model: MODEL,
      tokensIn: 1_000,
      tokensOut: 1_000,
      durationMs: 1_000,
      issuedAtMs: nowMs,
      expiresAtMs: nowMs + 86_400_000
    }, privateKey as PrivateKey)
    const forged = Uint8Array.from(signed.envelope)
    forged.set([(forged.at(-1) as number) ^ 1], forged.length - 1)
    const [connection] = peer.libp2p.getConnections(peerIdFromString(served))
    for (let i = 0; i < 3 && connection !== undefined; i++) {
      await offer(connection, forged).then(() => { offered++ }, () => {})
    }
  }
  forgeTo.clear()
  return offered
}

async function offer (connection: Connection, receipt: Uint8Array): Promise<void> {
  const stream = await connection.newStream(PROTOCOLS.receipt, { runOnLimitedConnection: true })
  const messages = lpStream(stream)
  const signal = AbortSignal.timeout(5_000)
  // field 1 of ReceiptOffer; its length takes two bytes
  await messages.write(Uint8Array.from([0x0a, receipt.length & 127 | 128, receipt.length >> 7, ...receipt]), { signal })
  await messages.read({ signal })
}

async function view (): Promise<VolunteerView> {
  const { peer, elector } = running()
  const { providers } = await peer.explain(MODEL, { signal: AbortSignal.timeout(5_000) })
  return {
    state: running().state.state,
    elected: elector?.elected().map(seat => seat.peer) ?? [],
    providers: providers.map(provider => provider.peer),
    distrusted: providers.filter(provider => peer.trust.isDistrusted(provider.peer, 'inference')).map(provider => provider.peer),
    refusals: Object.fromEntries(providers.map(provider =>
      [provider.peer, elector?.explain(provider.peer)?.verdict?.why.map(({ rule }) => rule) ?? []]))
  }
}

async function perform (command: VolunteerCommand): Promise<unknown> {
  switch (command.type) {
    case 'start':
      return await start(command.init)
    case 'ask':
      return await askMany(running().peer, command.requests, command.from)
    case 'forge':
      return await forge()
    case 'view':
      return await view()
  }
}

process.on('message', ({ id, command }: { id: number, command: VolunteerCommand }) => {
  perform(command).then(
    result => { process.send?.({ id, result } satisfies VolunteerReply) },
    (error: Error) => { process.send?.({ id, error: error.stack ?? error.message } satisfies VolunteerReply) })
})
process.on('disconnect', () => { process.exit(0) })
