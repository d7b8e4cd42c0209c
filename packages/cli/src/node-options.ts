/** The options that every command with a node of the mesh shares, turned into those of `createPeer`. */
import { homedir } from 'node:os'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseCredentials } from '@skein/records'
import type { Output } from './output.ts'
import type { PeerInit, SeedRefusal } from '@skein/peer'
import type { PeerCredential } from '@skein/records'

export interface NodeOptions {
  seed: string[]
  listen?: string[]
  announce?: string[]
  region: string
  data?: string
  ephemeral?: boolean
  credential?: string[]
  relay?: 'off' | 'dial' | 'listen'
}

export async function peerInit (command: string, options: NodeOptions, output: Output): Promise<PeerInit> {
  return {
    bootstrap: options.seed,
    listen: options.listen,
    announce: options.announce,
    relay: options.relay,
    region: options.region,
    dataDir: options.ephemeral === true ? undefined : options.data ?? join(homedir(), '.skein', command),
    credentials: (await Promise.all((options.credential ?? []).map(readCredentials))).flat(),
    onSeedNameFailure: seedNameWarning(output),
    onSeedRefusal: refusal => { output.event('seed-refusal', { ...refusal }, refusalText(refusal)) },
    onDamage: message => { output.event('damage', { message }, `warning: ${message}`) }
  }
}

/** @throws {CredentialTextError} */
async function readCredentials (path: string): Promise<PeerCredential[]> {
  return parseCredentials(await readFile(path, 'utf8'))
}

/** Why a seed does not let this peer in, and what is to be done about it. */
export function refusalText ({ seed, reason, message, unmet, remedy }: SeedRefusal): string {
  if (remedy !== undefined) {
    return `seed ${seed} asks for ${remedy === 'puzzle' ? 'a puzzle to be solved; working on it' : 'credentials; showing them'}`
  }
  const where = [...new Set(unmet.map(rule => rule.where).filter(text => text !== ''))]
  return `warning: seed ${seed} refuses this peer (${reason}): ${message}${where.length === 0 ? '' : `. To be had at ${where.join(', ')}`}`
}

/** A name behind which there should be seeds leads nowhere: the command goes on without. */
export function seedNameWarning (output: Output): NonNullable<PeerInit['onSeedNameFailure']> {
  return ({ seedName, problem, message }) => {
    output.event('seed-name-failure', { seedName, problem, message }, `warning: ${message}; it is asked again`)
  }
}
