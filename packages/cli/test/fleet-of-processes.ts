/** A fleet of `skein` commands for tests: a control plane, relay nodes that carry streams, and what a user runs. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock, systemRandom } from '@skein/core/system'
import { issueKey, openStore } from '@skein/fleet/node'
import { SkeinProcess } from './skein-process.ts'
import type { FleetStore } from '@skein/fleet'

export const LINKS = ['127.0.0.2', '127.0.0.3']
const NODE_KEY = 'k'.repeat(32)
const ANY_PORTS = ['srtla', 'publisher', 'player', 'manage'].flatMap(name => [`--${name}-port`, '0'])

export interface UserSide {
  uplink: SkeinProcess
  encoderPort: number
  player: SkeinProcess
  playPort: number
}

export class FleetOfProcesses {
  readonly folder: string
  /** The one that the control plane uses */
  readonly store: FleetStore
  readonly userKey: string
  url = ''
  private readonly operatorKey: string
  private readonly running: SkeinProcess[] = []

  private constructor (folder: string, store: FleetStore, userKey: string, operatorKey: string) {
    this.folder = folder
    this.store = store
    this.userKey = userKey
    this.operatorKey = operatorKey
  }

  /** @param moveOverlap - of a move, s */
  static async start (moveOverlap: number): Promise<FleetOfProcesses> {
    const folder = await mkdtemp(join(tmpdir(), 'skein-fleet-processes-'))
    const location = join(folder, 'fleet.db')
    const store = await openStore(location)
    await store.putUser({ id: 'ann', maxActive: 10 })
    const nowMs = systemClock().nowMs()
    const user = await issueKey(store, systemRandom(), { scopes: ['sessions'], userId: 'ann' }, nowMs)
    const operator = await issueKey(store, systemRandom(), { scopes: ['nodes'] }, nowMs)
    const fleet = new FleetOfProcesses(folder, store, user.key, operator.key)
    const plane = fleet.skein(['serve', '--store', location, '--port', '0', '--move-overlap', String(moveOverlap)])
    fleet.url = (await plane.event('started')).url
    return fleet
  }

  /** A command of `skein fleet`, as the user runs it. */
  skein (args: string[], environment: Record<string, string> = {}): SkeinProcess {
    const child = new SkeinProcess(['fleet', ...args], { SKEIN_FLEET_URL: this.url, SKEIN_FLEET_KEY: this.userKey, ...environment })
    this.running.push(child)
    return child
  }

  /** A relay node, known to the control plane. */
  async node (id: string, region: string, capacity = 2): Promise<SkeinProcess> {
    const secret = { SKEIN_FLEET_NODE_KEY: NODE_KEY }
    const node = this.skein(['node', 'serve', '--host', '127.0.0.1', '--capacity', String(capacity), ...ANY_PORTS], secret)
    const { manage, srtlaPort, playerPort } = await node.event('started')
    const adding = this.skein([
      'node', 'add', id, '--region', region, '--capacity', String(capacity), '--ingest', `127.0.0.1:${srtlaPort}`, '--play', `127.0.0.1:${playerPort}`,
      '--manage', manage
    ], { ...secret, SKEIN_FLEET_KEY: this.operatorKey })
    await adding.event('node')
    await adding.exit()
    return node
  }

  /** The user's side of a slot: an uplink over two links, and a player that follows. */
  async slot (slot: number, region: string): Promise<UserSide> {
    await this.setLinks(LINKS)
    const uplink = this.skein(['connect', '--slot', String(slot), '--region', region, '--srt', '0', '--links', this.linkFile,
      '--latency', '3000'])
    const { port: encoderPort } = await uplink.event('listening')
    await uplink.event('uplink:up')
    const player = this.skein(['play', String(slot), '--port', '0', '--latency', '2000'])
    const { port: playPort } = await player.event('listening')
    return { uplink, encoderPort, player, playPort }
  }

  /** The source addresses that uplinks send from. */
  async setLinks (addresses: string[]): Promise<void> {
    await writeFile(this.linkFile, `${addresses.join('\n')}\n`)
  }

  private get linkFile (): string {
    return join(this.folder, 'links.txt')
  }

  async stop (): Promise<void> {
    await Promise.all(this.running.map(async child => { await child.dispose() }))
    await this.store.close()
    await rm(this.folder, { recursive: true, force: true })
  }
}
