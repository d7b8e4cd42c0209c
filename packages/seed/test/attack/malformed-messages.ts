/** Bytes that nearly make sense: valid ones, edited at a few places; and bytes that do not. */
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { SeedRequest, signOffer } from '@skein/records'
import fc from 'fast-check'
import { capabilitiesOf } from '../devices/device-client.ts'
import { registrationOf } from './honest-peer.ts'
import type { PrivateKey } from '@libp2p/interface'

/** fast-check prints it, and the path of a case that fails. */
export const SEED = 20_261_121

type Edit = [at: number, value: number, how: 'set' | 'insert' | 'delete' | 'truncate' | 'double']

/** Any bytes, or one of `valid` with up to six edits. */
export function nearly (valid: Uint8Array[]): fc.Arbitrary<Uint8Array<ArrayBuffer>> {
  const edit: fc.Arbitrary<Edit> = fc.tuple(fc.nat(), fc.nat(255), fc.constantFrom('set', 'insert', 'delete', 'truncate', 'double'))
  return fc.oneof(
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map(bytes => Uint8Array.from(bytes)) },
    { weight: 4, arbitrary: fc.tuple(fc.constantFrom(...valid), fc.array(edit, { maxLength: 6 })).map(([bytes, edits]) => edited(bytes, edits)) }
  )
}

function edited (bytes: Uint8Array, edits: Edit[]): Uint8Array<ArrayBuffer> {
  let all = [...bytes]
  for (const [place, value, how] of edits) {
    const at = place % Math.max(1, all.length)
    switch (how) {
      case 'set': all[at] = value; break
      case 'insert': all.splice(at, 0, value); break
      case 'delete': all.splice(at, 1 + value % 4); break
      case 'truncate': all = all.slice(0, at); break
      case 'double': all.splice(at, 0, ...all.slice(at, at + value)); break
    }
  }
  return Uint8Array.from(all)
}

export interface ValidMessages {
  /** Of the seed protocol */
  requests: Uint8Array[]
  /** Signed */
  records: Uint8Array[]
  /** JSON */
  deviceMessages: Uint8Array[]
}

export async function validMessages (key: PrivateKey): Promise<ValidMessages> {
  const capabilities = await registrationOf(key)
  const { envelope: offer } = await signOffer({
    peer: peerIdFromPrivateKey(key).toString(), model: 'm', tasks: ['chat'], effectiveContext: 1, tokensPerSecond: 1, queueDepth: 0, maxConcurrent: 1,
    priceMicros: 0, region: 'eu-west', tier: 2, deterministic: false, addresses: ['/ip4/127.0.0.1/tcp/1'], seq: 1, issuedAtMs: Date.now(),
    expiresAtMs: Date.now() + 100_000, withdrawn: false
  }, key)
  const records = [capabilities, offer]
  const requests = [
    { capabilities, wantPeers: 20, wantModels: 200, connections: 3 },
    { discover: { model: 'm', region: 'eu-west', near: 'us-east', task: 'chat', limit: 20, cursor: new Uint8Array(24), minContext: 5, maxPriceMicros: 7 } },
    { capabilities: offer, wantPeers: 1 }
  ].map(request => SeedRequest.encode(request as unknown as SeedRequest))
  const nodeID = 'ab'.repeat(32)
  const session = { fromNodeID: nodeID, toNodeID: nodeID, sessionID: 's' }
  const deviceMessages = [
    { register: { nodeID, publicKey: nodeID, displayName: 'x', capabilities: capabilitiesOf(), signature: 'ab'.repeat(64) } },
    { discover: { requestingNodeID: nodeID, filter: { modelID: 'm', minRAMGB: 1, minTier: 4 } } },
    { relayOpen: session }, { relayData: { _0: { ...session, data: 'AAAA' } } },
    { iceCandidate: { ...session, candidate: { ip: '::1', port: 1, type: 'host', priority: 1 } } }
  ].map(message => Buffer.from(JSON.stringify(message)))
  return { requests, records, deviceMessages }
}
