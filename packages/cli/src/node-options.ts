/** The options that every command with a node of the mesh shares, turned into those of `createPeer`. */
import { homedir } from 'node:os'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isLocalAddress } from '@skein/pex'
import { parseCredentials } from '@skein/records'
import { webRtc } from '@skein/webrtc'
import type { Output } from './output.ts'
import type { PeerInit, SeedRefusal } from '@skein/peer'
import type { PeerCredential } from '@skein/records'
import type { TurnServer } from '@skein/webrtc'

export interface NodeOptions {
  seed: string[]
  listen?: string[]
  announce?: string[]
  region: string
  data?: string
  ephemeral?: boolean
  credential?: string[]
  relay?: RelayUse
  stun?: string[]
  webrtc?: boolean
  turn?: TurnServer[]
  portMapping?: PortMappingUse
}

/** `auto`: listens through a relay where there are seeds in the world. */
export const RELAY_USES = ['auto', 'listen', 'dial', 'off'] as const
export type RelayUse = typeof RELAY_USES[number]

/** `on`: the router is asked to let others in, where there is one. */
export const PORT_MAPPING_USES = ['on', 'off'] as const
export type PortMappingUse = typeof PORT_MAPPING_USES[number]

export async function peerInit (command: string, options: NodeOptions, output: Output): Promise<PeerInit> {
  return {
    bootstrap: options.seed,
    listen: options.listen,
    announce: options.announce,
    region: options.region,
    dataDir: options.ephemeral === true ? undefined : options.data ?? join(homedir(), '.skein', command),
    relay: options.relay === 'auto' ? 'dial' : options.relay,
    reachability: {
      stun: options.stun,
      webrtc: options.webrtc === false ? undefined : webRtc({ turn: options.turn }),
      portMapping: options.portMapping === 'off' ? false : {}
    },
    credentials: (await Promise.all((options.credential ?? []).map(readCredentials))).flat(),
    onSeedNameFailure: seedNameWarning(output),
    onSeedRefusal: refusal => { output.event('seed-refusal', { ...refusal }, refusalText(refusal)) },
    onDamage: message => { output.event('damage', { message }, `warning: ${message}`) }
  }
}

/** A peer that asks others something and goes again: it listens nowhere, and holds nothing for anybody. With a data folder it asks as its peer. */
export function visitorInit ({ seed, data }: Pick<NodeOptions, 'seed' | 'data'>, output: Output): PeerInit {
  return {
    bootstrap: seed,
    onSeedNameFailure: seedNameWarning(output),
    listen: [],
    client: true,
    checks: false,
    reachability: { webrtc: webRtc() },
    dataDir: data,
    onDamage: message => { output.event('damage', { message }, `warning: ${message}`) }
  }
}

/**
 * Whether a peer that serves asks for a relay. A public one does too: where the web alone is allowed, or IPv6 is not spoken, others cannot dial it,
 * but they reach a seed. On one machine or in one home nobody needs any.
 */
export function wantsRelay ({ relay, seed }: Pick<NodeOptions, 'relay' | 'seed'>): boolean {
  return relay === 'auto' && seed.some(address => !isLocalAddress(address))
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
