/** A fleet of `skein` commands for tests: a control plane, relay nodes that carry streams, and what a user runs. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock, systemRandom } from '@skein/core/system'
import { issueKey, openStore } from '@skein/fleet/node'
import { ImpairingProxy } from '../../srtla/test/impairing-proxy.ts'
import { SkeinProcess } from './skein-process.ts'
import type { FleetStore } from '@skein/fleet'
import type { SharedLinks } from '../../srtla/test/impairing-proxy.ts'

/** Links of an uplink, of which neither carries 2 Mbit/s alone, and both together not the double: rates of whole packets, round trips of 40 and 120 ms. */
const LINK_MODELS = {
  '127.0.0.2': { bitsPerSecond: 2e6, delayMs: 20, loss: 0.005 },
  '127.0.0.3': { bitsPerSecond: 1.6e6, delayMs: 60, loss: 0.01 }
}
export const LINKS = Object.keys(LINK_MODELS)
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
  private readonly proxies: ImpairingProxy[] = []
  private readonly links: SharedLinks = new Map()

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

  /** A relay node, known to the control plane, behind links that lose packets and carry no more than they can. */
  async node (id: string, region: string, capacity = 2): Promise<SkeinProcess> {
    const secret = { SKEIN_FLEET_NODE_KEY: NODE_KEY }
    const node = this.skein(['node', 'serve', '--host', '127.0.0.1', '--capacity', String(capacity), ...ANY_PORTS], secret)
    const { manage, srtlaPort, playerPort } = await node.event('started')
    const proxy = await ImpairingProxy.start({
      seed: this.proxies.length, target: { host: '127.0.0.1', port: srtlaPort }, links: LINK_MODELS, shared: this.links
    })
    this.proxies.push(proxy)
    const adding = this.skein([
      'node', 'add', id, '--region', region, '--capacity', String(capacity), '--ingest', `127.0.0.1:${proxy.port}`, '--play', `127.0.0.1:${playerPort}`,
      '--manage', manage
    ], { ...secret, SKEIN_FLEET_KEY: this.operatorKey })
    await adding.event('node')
    await adding.exit()
    return node
  }

  /** The user's side of a slot: an uplink over two links, and a player that follows. */
  async slot (slot: number, region: string): Promise<UserSide> {
    const links = join(this.folder, 'links.txt')
    await writeFile(links, `${LINKS.join('\n')}\n`)
    const uplink = this.skein(['connect', '--slot', String(slot), '--region', region, '--srt', '0', '--links', links, '--latency', '3000'])
    const { port: encoderPort } = await uplink.event('listening')
    await uplink.event('uplink:up')
    const player = this.skein(['play', String(slot), '--port', '0', '--latency', '2000'])
    const { port: playPort } = await player.event('listening')
    return { uplink, encoderPort, player, playPort }
  }

  async stop (): Promise<void> {
    await Promise.all(this.running.map(async child => { await child.dispose() }))
    await Promise.all(this.proxies.map(async proxy => { await proxy.stop() }))
    await this.store.close()
    await rm(this.folder, { recursive: true, force: true })
  }
}
