/**
 * The connections of a caller of a simulated network: dialled, or through a relay; `PathTable` of @skein/reachability looks for a better way while a
 * relay carries, and the ways it tries work or fail, after the time that they take, as the NATs of the two devices have it.
 */
import { MachineDriver } from '@skein/core'
import { isWorthWaiting, PathTable } from '@skein/reachability'
import { canDialDevice, reachOf, wayWorks } from './device-reach.ts'
import type { Clock, Random } from '@skein/core'
import type { DirectWay, Path, PathEffect, PeerPath } from '@skein/reachability'
import type { Device, DeviceSkills } from './device-reach.ts'
import type { RelayCircuit } from './relay-ports.ts'
import type { RelayProvider } from './relay-provider.ts'

/** What connections need of the world. */
export interface ConnectionWorld {
  clock: Clock
  skills: DeviceSkills
  /** How long a call waits for a better path rather than go through a relay that was just dialled, ms */
  patienceMs: number
  /** `undefined` when the relays refuse; `onReset` is called when the relay ends it */
  openCircuit: (caller: string, provider: RelayProvider, onReset: () => void) => RelayCircuit | undefined
  closeCircuit: (circuit: RelayCircuit) => void
  roundTripMs: (a: number, b: number) => number
  /** Through the first relay of the provider */
  relayedRoundTripMs: (caller: number, provider: RelayProvider) => number
  /** To the node that tells where a port is seen */
  observerRoundTripMs: (device: number) => number
  /** A pair between which punches work where they can */
  isLucky: (a: number, b: number) => boolean
  /** Of punches that work, those that do at the first attempt */
  worksAtOnce: (a: number, b: number) => boolean
}

export interface CallerConnection {
  id: string
  provider: RelayProvider
  path: Path
  circuit?: RelayCircuit
  streams: number
  state: 'open' | 'closed' | 'reset'
  /** What the provider is told to call when it goes */
  onGone?: () => void
}

/** Round trips until a connection stands: one to open, two for handshakes; a circuit takes one more, to the relay. */
const DIRECT_TRIPS = 3
const CIRCUIT_TRIPS = 4
/** What each side can do is asked over a new stream. */
const REACH_TRIPS = 1.5
/** What a punch takes beside its round trips, ms: the median between network namespaces without delay (docs/nat-matrix.md). */
const PUNCH_WORK_MS = 339
const PUNCH_RETRY_MS = 2_500
const PUNCH_TIMEOUT_MS = 9_000
const RETIRE_AFTER_MS = 1_000

export class CallerConnections {
  private readonly world: ConnectionWorld
  private readonly peer: string
  private readonly serial: number
  private readonly device: Device
  private readonly paths: MachineDriver<PathEffect, PathTable>
  private readonly connections = new Map<string, CallerConnection>()
  private readonly connecting = new Map<string, Array<(connection: CallerConnection | undefined) => void>>()
  private readonly known = new Map<string, RelayProvider>()
  private readonly waiting = new Map<string, Set<() => void>>()
  private connected = 0
  private isStopped = false

  constructor (world: ConnectionWorld, peer: string, serial: number, device: Device, random: Random) {
    this.world = world
    this.peer = peer
    this.serial = serial
    this.device = device
    this.paths = new MachineDriver<PathEffect, PathTable>({
      machine: new PathTable({ self: () => reachOf(device, world.skills) }, random),
      clock: world.clock,
      perform: effect => { this.perform(effect) }
    })
  }

  pathTo (peer: string): PeerPath | undefined {
    return this.paths.machine.pathTo(peer)
  }

  /** Through relays. */
  circuitsTo (peer: string): CallerConnection[] {
    return [...this.connections.values()].filter(({ path, provider }) => path === 'relayed' && provider.peer === peer)
  }

  /** Something goes to or from that provider. */
  onUsed (peer: string): void {
    this.paths.input((table, nowMs) => { table.onUsed(peer, nowMs) })
  }

  stop (): void {
    this.isStopped = true
    this.paths.stop()
    for (const connection of this.connections.values()) {
      this.drop(connection, 'closed')
    }
  }

  best ({ peer }: RelayProvider): CallerConnection | undefined {
    const id = this.paths.machine.bestConnection(peer)
    return id === undefined ? undefined : this.connections.get(id)
  }

  /** Over what there is, or else directly where that can be, or else through a relay. */
  connect (provider: RelayProvider, then: (connection: CallerConnection | undefined) => void): void {
    const { clock, openCircuit, roundTripMs, relayedRoundTripMs } = this.world
    const standing = this.best(provider)
    const underWay = this.connecting.get(provider.peer)
    if (standing !== undefined || underWay !== undefined) {
      if (standing === undefined) {
        underWay?.push(then)
      } else {
        then(standing)
      }
      return
    }
    this.connecting.set(provider.peer, [then])
    this.known.set(provider.peer, provider)
    const isDirect = canDialDevice(this.device, provider.device)
    const connection = this.newConnection(provider, isDirect ? 'direct' : 'relayed')
    connection.circuit = isDirect ? undefined : openCircuit(this.peer, provider, () => { this.drop(connection, 'reset') })
    const isRefused = !isDirect && connection.circuit === undefined
    const tripsMs = isDirect ? DIRECT_TRIPS * roundTripMs(this.serial, provider.serial) : CIRCUIT_TRIPS * relayedRoundTripMs(this.serial, provider)
    clock.schedule(clock.nowMs() + (isRefused ? tripsMs / 4 : tripsMs), () => {
      const stands = !isRefused && !this.isStopped && provider.isOnline && connection.state === 'open' && connection.circuit?.ended !== true
      if (stands) {
        this.open(connection)
      } else if (connection.circuit !== undefined) {
        this.world.closeCircuit(connection.circuit)
      }
      const waiting = this.connecting.get(provider.peer) ?? []
      this.connecting.delete(provider.peer)
      waiting.forEach(one => { one(stands ? connection : undefined) })
    })
  }

  drop (connection: CallerConnection, state: 'closed' | 'reset'): void {
    if (connection.state !== 'open') {
      return
    }
    connection.state = state
    if (connection.onGone !== undefined) {
      connection.provider.onGone.delete(connection.onGone)
    }
    if (connection.circuit !== undefined) {
      this.world.closeCircuit(connection.circuit)
    }
    if (this.connections.delete(connection.id)) {
      this.paths.input((table, nowMs) => { table.onClosed(connection.provider.peer, connection.id, nowMs) })
      this.wake(connection.provider.peer)
    }
  }

  /** As long as that is worth it. */
  wait (provider: RelayProvider, then: () => void): void {
    const { clock, patienceMs } = this.world
    const { peer } = provider
    const isOver = (): boolean => {
      const standing = this.pathTo(peer)
      return standing === undefined || !isWorthWaiting(standing, patienceMs, clock.nowMs())
    }
    if (isOver()) {
      then()
      return
    }
    const waiting = this.waiting.get(peer) ?? new Set()
    this.waiting.set(peer, waiting)
    const look = (): void => {
      if (isOver()) {
        cancel()
        if (waiting.delete(look) && !this.isStopped) {
          then()
        }
      }
    }
    const cancel = clock.schedule((this.pathTo(peer)?.sinceMs ?? 0) + patienceMs, look)
    waiting.add(look)
  }

  retire (connection: CallerConnection | undefined): void {
    if (connection?.state === 'open' && connection.streams === 0 && this.paths.machine.isRetired(connection.provider.peer, connection.id)) {
      this.drop(connection, 'closed')
    }
  }

  private newConnection (provider: RelayProvider, path: Path): CallerConnection {
    return { id: `${this.connected++}`, provider, path, streams: 0, state: 'open' }
  }

  private open (connection: CallerConnection): void {
    const { clock, relayedRoundTripMs, skills } = this.world
    const { id, path, provider } = connection
    const { peer } = provider
    this.connections.set(id, connection)
    connection.onGone = () => { this.drop(connection, 'closed') }
    provider.onGone.add(connection.onGone)
    this.paths.input((table, nowMs) => { table.onConnected({ id, peer, path }, nowMs) })
    if (path === 'relayed') {
      clock.schedule(clock.nowMs() + REACH_TRIPS * relayedRoundTripMs(this.serial, provider), () => {
        if (connection.state === 'open') {
          this.paths.input((table, nowMs) => { table.onReach(peer, reachOf(provider.device, skills), nowMs) })
          this.wake(peer)
        }
      })
    }
  }

  private perform (effect: PathEffect): void {
    const { clock } = this.world
    switch (effect.type) {
      case 'changed': {
        this.wake(effect.peer)
        break
      }
      case 'try': {
        this.try(this.known.get(effect.peer) as RelayProvider, effect.way)
        break
      }
      case 'retire': {
        const connection = this.connections.get(effect.connection)
        clock.schedule(clock.nowMs() + RETIRE_AFTER_MS, () => { this.retire(connection) })
      }
    }
  }

  private try (provider: RelayProvider, way: DirectWay): void {
    const { clock, isLucky } = this.world
    const works = wayWorks(way, this.device, provider.device, isLucky(this.serial, provider.serial))
    clock.schedule(clock.nowMs() + this.wayMs(provider, way, works), () => {
      if (this.isStopped) {
        return
      }
      const stands = works && provider.isOnline
      if (stands) {
        this.open(this.newConnection(provider, way === 'dial' || way === 'reverse' ? 'direct' : 'punched'))
      }
      this.paths.input((table, nowMs) => { table.onTried(provider.peer, way, stands, nowMs) })
      this.wake(provider.peer)
    })
  }

  /** How long a way takes, or takes to fail. An address of a kind that the other side does not have fails at once. */
  private wayMs (provider: RelayProvider, way: DirectWay, works: boolean): number {
    const { observerRoundTripMs, relayedRoundTripMs, roundTripMs, worksAtOnce } = this.world
    const directMs = roundTripMs(this.serial, provider.serial)
    const relayedMs = relayedRoundTripMs(this.serial, provider)
    switch (way) {
      case 'dial':
        return works ? DIRECT_TRIPS * directMs : 1
      case 'reverse':
        return relayedMs + (works ? DIRECT_TRIPS * directMs : 1)
      case 'tcp-punch':
      case 'webrtc': {
        const observersMs = way === 'webrtc' ? relayedMs : DIRECT_TRIPS * (observerRoundTripMs(this.serial) + observerRoundTripMs(provider.serial))
        const isQuick = worksAtOnce(this.serial, provider.serial)
        return works ? observersMs + 2.5 * relayedMs + DIRECT_TRIPS * directMs + PUNCH_WORK_MS + (isQuick ? 0 : PUNCH_RETRY_MS) : PUNCH_TIMEOUT_MS
      }
    }
  }

  private wake (peer: string): void {
    for (const look of [...this.waiting.get(peer) ?? []]) {
      look()
    }
  }
}
