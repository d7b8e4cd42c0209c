/** What two devices say to each other inside `relayData`, once it is decoded from base64: device relay protocol 1.0, JSON again. */
import { isObject } from './device-json.ts'
import { anyText, FieldError, flag, list, number, object, oneOf, optional, record, text, whole } from './field-check.ts'
import { decodeTagged, encodeTagged } from './tagged-message.ts'
import type { Check, Checked } from './field-check.ts'
import type { Tagged } from './tagged-message.ts'

export const SESSION_PROTOCOL_VERSION = 1

/** Deeper than a relay message: each level of a tool's schema in a chat request costs two or three. */
const MAX_DEPTH = 40

const models = list(text(0, 256), 4_096)
const requestID = text(1, 128)

const greeting = record({ deviceInfo: object, protocolVersion: whole(0, 1_000_000), loadedModels: models })

const beat = record({
  deviceID: text(0, 128),
  timestamp: number(-1e11, 1e11),
  thermalLevel: oneOf('nominal', 'fair', 'serious', 'critical'),
  throttleLevel: number(0, 100),
  loadedModels: models,
  isGenerating: flag,
  queueDepth: whole(0, 1_000_000_000),
  ewmaTokensPerSecond: optional(number(0, 1e12))
})

/** Servers of existing devices say it as a name or as a number. */
const failureCode: Check<string | number> = (value, path) => {
  if ((typeof value !== 'string' || value.length > 128) && typeof value !== 'number') {
    throw new FieldError(path, 'a name or a number')
  }
  return value
}

const chatRequest: Check<{ model: string, messages: unknown[] } & Record<string, unknown>> = (value, path) => {
  if (!isObject(value) || typeof value.model !== 'string' || value.model === '' || !Array.isArray(value.messages)) {
    throw new FieldError(path, 'a chat completion request with a model and messages')
  }
  return value as unknown as { model: string, messages: unknown[] }
}

export const SESSION_KINDS = {
  hello: greeting,
  helloAck: greeting,
  heartbeat: beat,
  heartbeatAck: beat,
  inferenceRequest: record({ requestID, request: chatRequest, streaming: flag }),
  inferenceChunk: record({ requestID, chunk: object }),
  inferenceComplete: record({ requestID }),
  inferenceError: record({ requestID, errorMessage: anyText, code: optional(failureCode) })
} as const

export type SessionKind = keyof typeof SESSION_KINDS
export type SessionMessage = Tagged<typeof SESSION_KINDS>
export type SessionPayload<K extends SessionKind> = Checked<typeof SESSION_KINDS[K]>

/** @throws {RelayRefusal} */
export function decodeSessionMessage (bytes: Uint8Array): SessionMessage {
  return decodeTagged(bytes, SESSION_KINDS, MAX_DEPTH)
}

export function encodeSessionMessage<K extends SessionKind> (kind: K, payload: SessionPayload<K>, wrapped: boolean): string {
  return encodeTagged(kind, payload, wrapped)
}

/** The first byte of a Noise handshake, with which two devices that have keys for it may begin; JSON never begins so. */
export function isNoiseHandshake (bytes: Uint8Array): boolean {
  return bytes[0] === 0x01 || bytes[0] === 0x02
}
