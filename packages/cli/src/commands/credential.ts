/** `skein credential`: the authority that vouches for peers, and what it signs. */
import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { createPublicKey } from 'node:crypto'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import { randomBytes, toHex } from '@skein/core'
import { systemClock, systemRandom } from '@skein/core/system'
import { loadIdentity } from '@skein/peer/node'
import { credentialText, parseCredentials, readCredential, signCredential } from '@skein/records'
import { parseRevokedTokens, revokedTokenLine } from '@skein/seed/node'
import type { CommandContext } from '../command-context.ts'

const DAY_MS = 86_400_000

export interface CredentialKeyOptions {
  key?: string
  pem?: boolean
}

/** Prints whose key is in a file; one that is not there is made. */
export async function credentialKey ({ output }: CommandContext, options: CredentialKeyOptions): Promise<void> {
  const path = options.key ?? join(homedir(), '.skein', 'peer', 'identity.key')
  const privateKey = await loadIdentity(path)
  const id = peerIdFromPrivateKey(privateKey).toString()
  const x = Buffer.from(privateKey.publicKey.raw).toString('base64url')
  const pem = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }).export({ format: 'pem', type: 'spki' }).toString()
  output.event('key', { id, path, pem }, options.pem === true ? pem.trimEnd() : id)
}

export interface IssueOptions {
  key: string
  days: number
  note: string
  out?: string
}

/** Signs a credential for a peer. */
export async function issueCredential ({ output }: CommandContext, options: IssueOptions, peer: string): Promise<void> {
  const issuedAtMs = Math.floor(systemClock().nowMs())
  const id = toHex(randomBytes(systemRandom(), 16))
  const expiresAtMs = issuedAtMs + options.days * DAY_MS
  const subject = peerIdFromString(peer).toString()
  const envelope = await signCredential({ id, subject, issuedAtMs, expiresAtMs, note: options.note }, await loadIdentity(options.key))
  const text = credentialText(envelope)
  if (options.out !== undefined) {
    await writeFile(options.out, text)
  }
  output.event('issued', { id, subject, expiresAtMs, text, file: options.out },
    options.out === undefined ? text.trimEnd() : `credential ${id} in ${options.out}; to take it back: skein credential revoke ${id} --list FILE`)
}

export interface RevokeOptions {
  list: string
  note: string
}

/** Puts the id of a credential, or of those in a file, on a list of revocations. */
export async function revokeCredential ({ output }: CommandContext, options: RevokeOptions, what: string): Promise<void> {
  const ids = /^[0-9a-fA-F]{32}$/.test(what) ? [what.toLowerCase()] : await idsIn(what)
  const known = parseRevokedTokens(await readFile(options.list, 'utf8').catch(ifMissing('')))
  const added = ids.filter(id => !known.has(id))
  await appendFile(options.list, added.map(id => revokedTokenLine(id, options.note)).join(''))
  output.event('revoked', { ids, added, list: options.list },
    added.length === 0 ? 'it was on the list before' : `${added.join(', ')} revoked; seeds that follow ${options.list} drop the peer within 5 s`)
}

/** Shows what is in a file of credentials. */
export async function showCredential ({ output }: CommandContext, _options: unknown, file: string): Promise<void> {
  for (const credential of parseCredentials(await readFile(file, 'utf8'))) {
    if (credential.type === 'certificate') {
      output.event('certificate', { certificates: credential.chain.length }, `a chain of ${credential.chain.length} X.509 certificates`)
      continue
    }
    const { credential: { id, subject, issuedAtMs, expiresAtMs, note }, authority } = await readCredential(credential.envelope)
    const over = expiresAtMs <= systemClock().nowMs()
    output.event('credential', { id, subject, authority, issuedAtMs, expiresAtMs, note, expired: over }, [
      `credential ${id}${over ? ' (expired)' : ''}`,
      `  for       ${subject}`,
      `  by        ${authority}`,
      `  issued    ${daysUntil(issuedAtMs)}`,
      `  expires   ${daysUntil(expiresAtMs)}`,
      ...note === '' ? [] : [`  note      ${note}`]
    ].join('\n'))
  }
}

/** `in 12.5 days`, `3.0 days ago` */
export function daysUntil (atMs: number): string {
  const days = (atMs - systemClock().nowMs()) / DAY_MS
  return days >= 0 ? `in ${days.toFixed(1)} days` : `${(-days).toFixed(1)} days ago`
}

async function idsIn (file: string): Promise<string[]> {
  const tokens = parseCredentials(await readFile(file, 'utf8')).flatMap(one => one.type === 'token' ? [one.envelope] : [])
  return await Promise.all(tokens.map(async envelope => (await readCredential(envelope)).credential.id))
}

/** What stands for a file that is not there yet. */
export function ifMissing<T> (instead: T): (error: NodeJS.ErrnoException) => T {
  return error => {
    if (error.code === 'ENOENT') {
      return instead
    }
    throw error
  }
}
