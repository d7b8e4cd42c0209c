/** Keys in the handshake: a caller proposes them, a listener takes them or says why not (draft-sharabayko-srt-01, §6.1.4). */
import { KEY_STATES, deriveKek, readKeyMaterial, unwrapKeyMaterial, wrapKeyMaterial } from './key-material.ts'
import type { KeyBytes } from './key-material.ts'
import type { ConnectionSettings } from './connection-options.ts'
import { writeUint32 } from './packet-header.ts'
import type { RejectReason } from './reject-reason.ts'
import type { SrtCrypto } from './srt-crypto.ts'
import { freshKeyMaterial, ReceiveKeys, TransmitKeys } from './stream-keys.ts'

export interface ConnectionKeys {
  transmit: TransmitKeys
  receive: ReceiveKeys
}

/** What the encryption field of a handshake says of a key's length. */
export function keyLengthField (keyBytes: KeyBytes | undefined): number {
  return keyBytes === undefined ? 0 : keyBytes / 8
}

export function keyBytesOf (field: number): KeyBytes | undefined {
  return field === 2 ? 16 : field === 3 ? 24 : field === 4 ? 32 : undefined
}

export interface KeyProposal {
  message: Uint8Array
  keys: ConnectionKeys
}

export function proposeKeys (crypto: SrtCrypto, passphrase: string, keyBytes: KeyBytes, settings: ConnectionSettings): KeyProposal {
  const material = freshKeyMaterial(crypto, keyBytes)
  const kek = deriveKek(crypto, passphrase, material.salt, keyBytes)
  return {
    message: wrapKeyMaterial(crypto, kek, material),
    keys: {
      transmit: new TransmitKeys(crypto, kek, material, refreshOf(settings)),
      receive: new ReceiveKeys(crypto, passphrase, material)
    }
  }
}

/** What a caller makes of the answer to its proposal. */
export function keyAnswerProblem (proposal: KeyProposal | undefined, answer: Uint8Array | undefined): RejectReason | undefined {
  if (proposal === undefined) {
    return answer === undefined ? undefined : 'unsecure'
  }
  if (answer === undefined) {
    return 'unsecure'
  }
  if (answer.length === 4) {
    return answer[0] === KEY_STATES.badSecret || answer[3] === KEY_STATES.badSecret ? 'bad-secret' : 'unsecure'
  }
  return answer.length === proposal.message.length && answer.every((byte, at) => byte === proposal.message[at]) ? undefined : 'rogue'
}

export type KeyAgreement =
  | { type: 'agreed', keys?: ConnectionKeys }
  | { type: 'refused', reason: RejectReason }

/** A listener with a passphrase wants keys under the same one; one without wants none. */
export function takeKeys (crypto: SrtCrypto, message: Uint8Array | undefined, settings: ConnectionSettings): KeyAgreement {
  const { passphrase } = settings
  if (passphrase === undefined || message === undefined) {
    return passphrase === undefined && message === undefined ? { type: 'agreed' } : { type: 'refused', reason: 'unsecure' }
  }
  const wrapped = readKeyMaterial(message)
  if (wrapped === undefined) {
    return { type: 'refused', reason: 'crypto' }
  }
  const kek = deriveKek(crypto, passphrase, wrapped.salt, wrapped.keyBytes)
  const material = unwrapKeyMaterial(crypto, kek, wrapped)
  if (material === undefined) {
    return { type: 'refused', reason: 'bad-secret' }
  }
  return {
    type: 'agreed',
    keys: { transmit: new TransmitKeys(crypto, kek, material, refreshOf(settings)), receive: new ReceiveKeys(crypto, passphrase, material) }
  }
}

/** Instead of keys: why they were not taken. */
export function keyStateBody (state: keyof typeof KEY_STATES): Uint8Array {
  const body = new Uint8Array(4)
  writeUint32(body, 0, KEY_STATES[state])
  return body
}

function refreshOf (settings: ConnectionSettings): { afterPackets: number, announcePackets: number } {
  return { afterPackets: settings.keyRefreshPackets, announcePackets: settings.keyAnnouncePackets }
}
