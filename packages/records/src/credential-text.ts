/** Credentials as a person keeps them: PEM (RFC 7468) with tokens (`SKEIN CREDENTIAL`), and X.509 certificates, the peer's first. */
import { MAX_PROOF_PART_BYTES, MAX_PROOF_PARTS } from './seed-message.ts'

/** What a peer shows to a seed that asks for it. */
export type PeerCredential =
  /** An envelope that `signCredential` made */
  | { type: 'token', envelope: Uint8Array<ArrayBuffer> }
  /** X.509 in DER: of this peer first, then those between it and the authority's */
  | { type: 'certificate', chain: Array<Uint8Array<ArrayBuffer>> }

const TOKEN_LABEL = 'SKEIN CREDENTIAL'
const MAX_TEXT_LENGTH = 65_536

/** There is no credential in the text, or more than a seed takes. */
export class CredentialTextError extends Error {
  static override name = 'CredentialTextError'
  override readonly name = 'CredentialTextError'
}

/** As it is written to a file. */
export function credentialText (envelope: Uint8Array): string {
  const base64 = btoa(String.fromCharCode(...envelope))
  return `-----BEGIN ${TOKEN_LABEL}-----\n${base64.replace(/.{64}(?=.)/g, '$&\n')}\n-----END ${TOKEN_LABEL}-----\n`
}

/**
 * Each token is a credential of its own; all certificates together are one chain. What else is in the text is passed over.
 *
 * @throws {CredentialTextError}
 */
export function parseCredentials (text: string): PeerCredential[] {
  if (text.length > MAX_TEXT_LENGTH) {
    throw new CredentialTextError(`A file of credentials has at most ${MAX_TEXT_LENGTH} characters, not ${text.length}`)
  }
  const blocks = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----([\s\S]*?)-----END \1-----/g)]
  const tokens = blocks.filter(([, label]) => label === TOKEN_LABEL).map(([, , body = '']) => bytesOf(body))
  const chain = blocks.filter(([, label]) => label === 'CERTIFICATE').map(([, , body = '']) => bytesOf(body))
  if (tokens.length + chain.length === 0) {
    throw new CredentialTextError(`Expected a "BEGIN ${TOKEN_LABEL}" or "BEGIN CERTIFICATE" block, as skein credential issue writes it`)
  }
  const isTooLarge = [...tokens, ...chain].some(({ length }) => length > MAX_PROOF_PART_BYTES)
  if (tokens.length > MAX_PROOF_PARTS || chain.length > MAX_PROOF_PARTS || isTooLarge) {
    throw new CredentialTextError(`At most ${MAX_PROOF_PARTS} tokens and ${MAX_PROOF_PARTS} certificates, each of ${MAX_PROOF_PART_BYTES} bytes`)
  }
  return [
    ...tokens.map(envelope => ({ type: 'token' as const, envelope })),
    ...chain.length === 0 ? [] : [{ type: 'certificate' as const, chain }]
  ]
}

function bytesOf (body: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(body.replace(/\s/g, '')), character => character.charCodeAt(0))
  } catch (cause) {
    throw new CredentialTextError('What is between BEGIN and END is not base64', { cause })
  }
}
