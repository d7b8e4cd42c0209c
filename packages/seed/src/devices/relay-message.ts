/** The messages between a device and its relay: the device relay protocol 1.0 (TealeNet relay protocol 1.0), JSON over WebSocket. */
import { deviceCapabilities, deviceFilter } from './device-capabilities.ts'
import { anyText, base64, hex, list, number, object, oneOf, optional, record, text, whole } from './field-check.ts'
import { decodeTagged, encodeTagged } from './tagged-message.ts'
import type { Check, Checked } from './field-check.ts'
import type { Tagged } from './tagged-message.ts'

/** Deepest nesting of a message. */
const MAX_DEPTH = 16

/** Hex of an Ed25519 public key; also the name of its owner. */
const nodeID = hex(32)
const wgPublicKey = optional(text(0, 128))
const sessionID = text(1, 128)
const port = whole(0, 65_535)
const date = number(-1e11, 1e11)
const natType = text(0, 32)

/** Who a message goes from and to. */
const route = { fromNodeID: nodeID, toNodeID: nodeID, sessionID }

const connectionInfo = record({
  publicIP: text(0, 64),
  publicPort: port,
  localIP: text(0, 64),
  localPort: port,
  natType,
  wgPublicKey
})

const signalling = record({ ...route, connectionInfo, signature: hex(64) })
const relaying = record(route)
const presence = record({ nodeID, displayName: text(0, 128) })

export const RELAY_KINDS = {
  register: record({
    nodeID,
    publicKey: hex(32),
    wgPublicKey,
    displayName: text(0, 128),
    capabilities: deviceCapabilities,
    signature: hex(64)
  }),
  registerAck: record({ nodeID, registeredAt: date, ttlSeconds: number(0, 1e9) }),
  discover: record({ requestingNodeID: nodeID, filter: optional(deviceFilter) }),
  discoverResponse: record({
    peers: list(record({
      nodeID,
      publicKey: hex(32),
      wgPublicKey,
      displayName: text(0, 128),
      capabilities: deviceCapabilities,
      lastSeen: date,
      natType,
      endpoints: list(object as Check<unknown>, 64)
    }), 100_000)
  }),
  offer: signalling,
  answer: signalling,
  iceCandidate: record({
    ...route,
    candidate: record({ ip: text(1, 64), port, type: oneOf('host', 'serverReflexive', 'relayed'), priority: number(-1e15, 1e15) })
  }),
  relayOpen: relaying,
  relayReady: relaying,
  relayData: record({ ...route, data: base64 }),
  relayClose: relaying,
  peerJoined: presence,
  peerLeft: presence,
  error: record({ code: anyText, message: anyText })
} as const

export type RelayKind = keyof typeof RELAY_KINDS
export type RelayMessage = Tagged<typeof RELAY_KINDS>
export type RelayPayload<K extends RelayKind> = Checked<typeof RELAY_KINDS[K]>

/** Kinds that go from one device to another, unchanged. */
export const FORWARDED_KINDS = ['offer', 'answer', 'iceCandidate', 'relayOpen', 'relayReady', 'relayData', 'relayClose'] as const
export type ForwardedKind = typeof FORWARDED_KINDS[number]
export type ForwardedMessage = Extract<RelayMessage, { kind: ForwardedKind }>

const forwarded: ReadonlySet<string> = new Set(FORWARDED_KINDS)

export function isForwarded (message: RelayMessage): message is ForwardedMessage {
  return forwarded.has(message.kind)
}

/** @throws {RelayRefusal} */
export function decodeRelayMessage (bytes: Uint8Array): RelayMessage {
  return decodeTagged(bytes, RELAY_KINDS, MAX_DEPTH)
}

export function encodeRelayMessage<K extends RelayKind> (kind: K, payload: RelayPayload<K>, wrapped: boolean): string {
  return encodeTagged(kind, payload, wrapped)
}

/** What the signature of an offer or answer covers. */
export function signalText (payload: { fromNodeID: string, toNodeID: string, sessionID: string }): string {
  return `${payload.fromNodeID}:${payload.toNodeID}:${payload.sessionID}`
}
