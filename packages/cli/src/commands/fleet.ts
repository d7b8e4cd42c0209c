/** `skein fleet`: the control plane of the relay fleet, and what is asked of it. */
import { sleep } from '@skein/core'
import { systemClock, systemRandom } from '@skein/core/system'
import { FleetClient, FleetRequests, HttpNamePublisher, REAP_MS } from '@skein/fleet'
import { ConnectionFile, createControlPlane, DnsPublisher, issueKey, openStore } from '@skein/fleet/node'
import { untilStopped } from '../command-context.ts'
import { openMesh } from './fleet-mesh.ts'
import { openUplink } from './fleet-uplink.ts'
import type { Connection, ConnectionSpec, NamePublisher, SessionView } from '@skein/fleet'
import type { Scope } from '@skein/fleet/node'
import type { CommandContext } from '../command-context.ts'
import type { OpenUplink, UplinkOptions } from './fleet-uplink.ts'
import type { Output } from '../output.ts'

/** What was asked for cannot be meant. */
export class FleetOptionsError extends Error {
  static override name = 'FleetOptionsError'
  override readonly name = 'FleetOptionsError'
}

export interface ServeFleetOptions {
  store: string
  host: string
  port: number
  /** Seconds */
  moveOverlap: number
  dnsZone?: string
  dnsServer?: { host: string, port: number }
  dnsKey?: string
  dnsZoneId?: string
  proxy?: string[]
}

function namesOf ({ dnsZone: zone, dnsServer: server, dnsKey, dnsZoneId: zoneId }: ServeFleetOptions): NamePublisher | undefined {
  const secret = process.env.SKEIN_FLEET_DNS_SECRET
  if (zone === undefined && server === undefined && dnsKey === undefined && zoneId === undefined) {
    return undefined
  }
  if (zone !== undefined && secret !== undefined && server !== undefined && dnsKey !== undefined && zoneId === undefined) {
    return new DnsPublisher({ server, zone, key: { name: dnsKey, secret } })
  }
  if (zone !== undefined && secret !== undefined && server === undefined && dnsKey === undefined && zoneId !== undefined) {
    return new HttpNamePublisher({ zoneId, zone, token: secret, clock: systemClock() })
  }
  throw new FleetOptionsError('With --dns-zone give either --dns-server and --dns-key, or --dns-zone-id; and the secret in SKEIN_FLEET_DNS_SECRET')
}

export async function serveFleet ({ output, stop }: CommandContext, options: ServeFleetOptions): Promise<void> {
  const { store: location, host, port, moveOverlap, proxy } = options
  const moveDrainMs = moveOverlap * 1_000
  const names = namesOf(options)
  const problem = (message: string, error: Error): void => {
    output.event('problem', { message, error: error.message }, `${message}: ${error.message}`)
  }
  const store = await openStore(location, { onProblem: error => { problem('A connection to the database broke', error) } })
  try {
    const plane = await createControlPlane({
      store, host, port, names, proxies: proxy,
      times: { moveDrainMs },
      reapMs: Math.min(REAP_MS, moveDrainMs / 2),
      onProblem: problem,
      onBudget: ({ id }, budget) => {
        output.event('budget', { node: id, ...budget },
          `Node ${id} has carried ${((budget.usedShare ?? 0) * 100).toFixed(0)} % of its month's bytes` +
          `${budget.state === 'stop' ? ': it is given no more sessions' : ''}; ` +
          `${((budget.safeBps ?? 0) / 1e6).toFixed(1)} Mbit/s would last to the end of the month`)
      }
    })
    output.event('started', { url: plane.url }, `The fleet answers at ${plane.url}, and describes itself at ${plane.url}/openapi.json`)
    await untilStopped(stop)
    await plane.close()
  } finally {
    await store.close()
  }
}

export interface IssueKeyOptions {
  store: string
  user?: string
  maxActive: number
  scope?: Scope[]
}

export async function issueFleetKey ({ output }: CommandContext, { store: location, user, maxActive, scope = [] }: IssueKeyOptions): Promise<void> {
  if ((user === undefined) === (scope.length === 0)) {
    throw new FleetOptionsError('Say whose key it is with --user, or what an operator may do with it with --scope; not both')
  }
  const store = await openStore(location)
  try {
    if (user !== undefined) {
      await store.putUser({ id: user, maxActive })
    }
    const scopes: Scope[] = user === undefined ? scope : ['sessions']
    const { key, record } = await issueKey(store, systemRandom(), { scopes, userId: user }, systemClock().nowMs())
    output.event('key', { key, id: record.id, scopes, user }, key)
  } finally {
    await store.close()
  }
}

export interface FleetApiOptions {
  url: string
  key?: string
}

export interface ConnectFleetOptions extends FleetApiOptions, UplinkOptions {
  slot?: number[]
  region?: string
  /** Super-nodes in place of a control plane */
  mesh?: boolean
  seed: string[]
  identity?: string
  own?: string
  data?: string
  release?: boolean
}

export async function connectToFleet ({ output, stop }: CommandContext, options: ConnectFleetOptions): Promise<void> {
  const { slot = [], region, own, data } = options
  if (options.mesh === true && (own !== undefined || options.seed.length === 0)) {
    throw new FleetOptionsError('With --mesh name a seed or peer with --seed, and no --own relay')
  }
  const mesh = options.mesh === true ? await openMesh({ ...options, region: region ?? '' }, output, stop) : undefined
  if (mesh !== undefined) {
    output.event('owner', { peer: mesh.peer.id }, `names of slots are those of ${mesh.peer.id}: skein resolve NAME.${mesh.peer.id}`)
  }
  const client = await FleetClient.open({
    ...mesh === undefined ? { url: options.url, key: keyOf(options) } : { requests: mesh.requests },
    store: data === undefined ? undefined : new ConnectionFile(data),
    onProblem: error => { output.event('problem', { error: error.message }, `Connections could not be saved: ${error.message}`) }
  })
  let uplink: OpenUplink | undefined
  client.addEventListener('connection:changed', ({ detail }) => {
    tell(output, detail)
    uplink?.follow(detail.session)
  })
  try {
    for (const each of slot) {
      const provider = mesh === undefined ? {} : { provider: 'mesh' as const }
      const spec: ConnectionSpec = { slot: each, region, ...provider, ...own === undefined ? {} : { provider: 'own', relayId: own } }
      await client.add(spec)
    }
    const connections = client.connections()
    if (connections.length === 0) {
      throw new FleetOptionsError('Say which slot with --slot, or where connections are remembered with --data')
    }
    if (options.srt !== undefined) {
      if (connections.length !== 1) {
        throw new FleetOptionsError('With --srt give one slot: an encoder sends one stream')
      }
      uplink = await openUplink(output, options, options.srt)
      uplink.follow(connections[0]?.session)
    }
    await untilStopped(stop)
    await uplink?.stop()
    if (options.release === true) {
      await Promise.all(connections.map(async ({ slot }) => { await client.remove(slot) }))
      await client.settled()
      output.event('released', { slots: connections.map(({ slot }) => slot) }, 'The relays are given back')
    }
  } finally {
    await uplink?.stop()
    await client.close()
    await mesh?.close()
  }
}

function tell (output: Output, { slot, state, session, message }: Connection): void {
  const step = session?.steps.at(-1)?.step
  const place = session?.place
  const line = {
    provisioning: `slot ${slot}: provisioning${step === undefined ? '' : `, ${step}`}${message === undefined ? '' : ` (${message})`}`,
    ready: place && `slot ${slot}: ready, ${session.name} at ${place.instanceId} (${place.region})\n` +
      `  send to ${session.hostname ?? place.ingestHost}:${place.ingestPort} as ${session.publishId}\n` +
      `  play from ${place.playHost}:${place.playPort} as ${session.playId}`,
    live: `slot ${slot}: live`,
    error: `slot ${slot}: ${message ?? 'failed'}; trying again`
  }[state]
  output.event('connection', { slot, state, message, session }, line)
}

export async function listFleet ({ output, stop }: CommandContext, options: FleetApiOptions, what: 'sessions' | 'slots' | 'nodes'): Promise<void> {
  const answer = await requestsOf(options).ask<Record<string, Array<Record<string, unknown>>>>('GET', `/v1/${what}`, undefined, { signal: stop })
  const rows = answer[what] ?? []
  for (const row of rows) {
    output.event(what.slice(0, -1), row, LINES[what](row as never))
  }
  if (rows.length === 0) {
    output.event('none', { what }, `No ${what}`)
  }
}

const MOVE_POLL_MS = 500

/** The move came to nothing: the relay is where it was. */
export class MoveFailedError extends Error {
  static override name = 'MoveFailedError'
  override readonly name = 'MoveFailedError'
}

export async function moveInFleet ({ output, stop }: CommandContext, options: FleetApiOptions, slot: string, region: string): Promise<void> {
  const requests = requestsOf(options)
  const { sessions } = await requests.ask<{ sessions: SessionView[] }>('GET', '/v1/sessions', undefined, { signal: stop })
  const present = sessions.find(session => String(session.slot) === slot)
  if (present === undefined) {
    throw new FleetOptionsError(`Slot ${slot} has no session`)
  }
  let session = await requests.move(present.id, region, { signal: stop })
  while (session.move !== undefined) {
    await sleep(systemClock(), MOVE_POLL_MS, { signal: stop })
    session = await requests.session(present.id, { signal: stop })
  }
  if (session.place === undefined || session.moveFailure !== undefined) {
    throw new MoveFailedError(session.moveFailure ?? session.failure ?? 'The session is over')
  }
  output.event('moved', { session }, `slot ${slot} is at ${session.place.instanceId} (${session.place.region}): ${session.place.ingestHost}`)
}

interface NodeRow {
  id: string
  region: string
  used: number
  capacity: number
  health: number
  state: string
  whyNotPicked?: string
  budget: string
  safeBps?: number
}

const LINES = {
  sessions: ({ id, slot, name, state, place, leaseRemainingMs }: SessionView) =>
    `${String(slot).padStart(2)}  ${name}  ${state.padEnd(12)}  ${id}  ${place?.instanceId ?? '-'}  lease ${Math.round(leaseRemainingMs / 1_000)} s`,
  slots: ({ slot, name, label }: { slot: number, name: string, label: string }) => `${String(slot).padStart(2)}  ${name}  ${label}`,
  nodes: ({ id, region, used, capacity, health, state, whyNotPicked, budget, safeBps }: NodeRow) =>
    `${id.padEnd(12)}  ${region.padEnd(14)}  ${used}/${capacity}  health ${health}  ${whyNotPicked ?? state}` +
    (safeBps === undefined ? '' : `  budget ${budget}, ${(safeBps / 1e6).toFixed(1)} Mbit/s to the end of the month`)
}

export interface AddNodeOptions extends FleetApiOptions {
  region: string
  capacity: number
  ingest: { host: string, port: number }
  play: { host: string, port: number }
  manage: string
  monthLimit?: number
}

export async function addFleetNode ({ output, stop }: CommandContext, options: AddNodeOptions, id: string): Promise<void> {
  const { region, capacity, ingest, play, manage, monthLimit } = options
  const node = await requestsOf(options).ask<NodeRow>('PUT', `/v1/nodes/${encodeURIComponent(id)}`, {
    region, capacity, ingest, play,
    manageUrl: manage,
    manageKey: process.env.SKEIN_FLEET_NODE_KEY,
    monthLimitBytes: monthLimit === undefined ? undefined : monthLimit * 1e9
  }, { signal: stop })
  output.event('node', { ...node }, LINES.nodes(node))
}

export async function setFleetNode (
  { output, stop }: CommandContext, options: FleetApiOptions, id: string, action: 'drain' | 'evacuate' | 'resume'
): Promise<void> {
  const node = await requestsOf(options).ask<NodeRow>('POST', `/v1/nodes/${encodeURIComponent(id)}/${action}`, undefined, { signal: stop })
  output.event('node', { ...node }, LINES.nodes(node))
}

export async function forgetFleetNode ({ output, stop }: CommandContext, options: FleetApiOptions, id: string): Promise<void> {
  await requestsOf(options).ask('DELETE', `/v1/nodes/${encodeURIComponent(id)}`, undefined, { signal: stop })
  output.event('removed', { id }, `${id} is forgotten`)
}

function requestsOf (options: FleetApiOptions): FleetRequests {
  return new FleetRequests({ url: options.url, key: keyOf(options), clock: systemClock() })
}

export function keyOf ({ key }: FleetApiOptions): string {
  if (key === undefined || key === '') {
    throw new FleetOptionsError('The fleet wants a key: put it into SKEIN_FLEET_KEY, or give --key. `skein fleet key` makes one')
  }
  return key
}
