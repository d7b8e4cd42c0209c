/** The options that every command with a node of the mesh shares, turned into those of `createPeer`. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Output } from './output.ts'
import type { PeerInit } from '@skein/peer'

export interface NodeOptions {
  seed: string[]
  listen?: string[]
  announce?: string[]
  region: string
  data?: string
  ephemeral?: boolean
}

export function peerInit (command: string, options: NodeOptions, output: Output): PeerInit {
  return {
    bootstrap: options.seed,
    listen: options.listen,
    announce: options.announce,
    region: options.region,
    dataDir: options.ephemeral === true ? undefined : options.data ?? join(homedir(), '.skein', command),
    onSeedNameFailure: seedNameWarning(output),
    onDamage: message => { output.event('damage', { message }, `warning: ${message}`) }
  }
}

/** A name behind which there should be seeds leads nowhere: the command goes on without. */
export function seedNameWarning (output: Output): NonNullable<PeerInit['onSeedNameFailure']> {
  return ({ seedName, problem, message }) => {
    output.event('seed-name-failure', { seedName, problem, message }, `warning: ${message}; it is asked again`)
  }
}
