/**
 * The bridge between the devices at a seed's `/ws` and the mesh: a model that a device has loaded becomes an offer of the seed's peer,
 * and a device asks the mesh by opening a relayed session with the seed's own node.
 */
import { BoundedMap, deadline, randomBytes, sleep, toHex } from '@skein/core'
import { systemClock, systemRandom } from '@skein/core/system'
import { InferenceError } from '@skein/inference'
import { MAX_DEVICE_MODELS, MAX_MODEL_CHARS } from './device-capabilities.ts'
import { DeviceCalls } from './device-backend.ts'
import { serveMesh } from './mesh-session.ts'
import { RelayRefusal } from './relay-refusal.ts'
import { RelaySession } from './relay-session.ts'
import type { DeviceListener, DevicePort } from './device-port.ts'
import type { DeviceEntry } from './device-table.ts'
import type { ForwardedMessage } from './relay-message.ts'
import type { Clock, Random } from '@skein/core'
import type { InferenceRequest, JsonObject } from '@skein/inference'
import type { Peer, Service } from '@skein/peer'

export interface DeviceBridgeInit {
  /** The seed's peer */
  peer: Peer
  /** Of the endpoint that the devices are connected to */
  port: DevicePort
  /**
   * The models of the mesh as the seed's registry knows them, the most offered first; a seed's own peer sees only those it looked up.
   *
   * @default none but what the peer has seen
   */
  models?: (options: { signal: AbortSignal }) => Promise<Array<{ id: string }>>
  /** How often the mesh's models go into what devices see, ms @default 10_000 */
  modelsIntervalMs?: number
  /** Name that devices see @default 'Skein mesh' */
  displayName?: string
  /** Most models of devices on offer in the mesh @default 256 */
  maxModels?: number
  /** Most sessions, both ways, over all devices @default 1_024 */
  maxSessions?: number
  /** Most sessions that one device may have open with the seed @default 4 */
  maxSessionsPerDevice?: number
  /** Most requests of devices to the mesh at once, over all devices @default 256 */
  maxRequests?: number
  /** Most such requests of one device at once @default 4 */
  maxRequestsPerDevice?: number
  /** @default systemClock() */
  clock?: Clock
  /** @default systemRandom() */
  random?: Random
}

export interface DeviceBridge {
  /** The name under which devices reach the mesh: hex of the seed's Ed25519 public key */
  readonly nodeID: string
  /** Models of devices that are on offer in the mesh now */
  readonly models: string[]
  readonly sessions: number
  /** Takes the offers back and closes all sessions */
  stop: () => Promise<void>
}

/** Changes are collected for this time before offers follow, ms: a device that reconnects must not cost a withdrawal. */
const SETTLE_MS = 250
const MODELS_TIMEOUT_MS = 5_000
/** A session opened by a device and silent for so long is closed, ms. */
const SESSION_IDLE_MS = 10 * 60_000

/** Models told to a device in a session; its entry in discover answers has fewer. */
const MAX_MESH_MODELS = 1_024
/** Ended sessions that are remembered. */
const MAX_ENDED = 1_024

/** Starts the bridge. */
export function bridgeDevices (init: DeviceBridgeInit): DeviceBridge {
  const bridge = new Bridge(init)
  bridge.start()
  return bridge
}

class Bridge implements DeviceBridge, DeviceListener {
  readonly nodeID: string
  private readonly init: DeviceBridgeInit
  private readonly clock: Clock
  private readonly random: Random
  private readonly calls: DeviceCalls
  private readonly services = new Map<string, Service>()
  /** By device and id; those the seed opened and those devices did */
  private readonly open = new Map<string, { session: RelaySession, inbound: boolean }>()
  /** Sessions that have ended: what was under way in them is no reason to say so again */
  private readonly ended = new BoundedMap<string, true>({ maxSize: MAX_ENDED })
  /** Requests of devices under way, by device */
  private readonly requests = new Map<string, number>()
  private requestCount = 0
  /** Which device a request came from, while it is under way */
  private readonly askers = new WeakMap<InferenceRequest, string>()
  private readonly stopped = new AbortController()
  private meshModels: string[] = []
  private changed = false
  private settling?: Promise<void>

  constructor (init: DeviceBridgeInit) {
    const { publicKey } = init.peer.libp2p.peerId
    if (publicKey?.type !== 'Ed25519') {
      throw new TypeError('Devices know Ed25519 keys only: the seed needs such an identity')
    }
    this.init = init
    this.nodeID = toHex(publicKey.raw)
    this.clock = init.clock ?? systemClock()
    this.random = init.random ?? systemRandom()
    this.calls = new DeviceCalls({
      port: init.port,
      clock: this.clock,
      session: device => this.openSession(device),
      requestID: () => this.uuid(),
      deviceInfo: () => this.deviceInfo(),
      askerOf: request => this.askers.get(request)
    })
  }

  get models (): string[] {
    return [...this.services.keys()].sort()
  }

  get sessions (): number {
    return this.open.size
  }

  start (): void {
    this.init.port.listen(this)
    this.init.port.setLocalNode(this.entry())
    void this.followMesh().catch(() => {}) // ends with the bridge
    this.settle()
  }

  async stop (): Promise<void> {
    this.stopped.abort(new Error('The bridge has been stopped'))
    this.init.port.listen(undefined)
    for (const { session } of [...this.open.values()]) {
      session.close()
    }
    this.init.port.setLocalNode(undefined)
    await this.settling
    await Promise.all([...this.services.values()].map(async service => { await service.stop() }))
    this.services.clear()
  }

  onMessage (message: ForwardedMessage): void {
    const { fromNodeID, sessionID } = message.payload
    const known = this.open.get(keyOf(fromNodeID, sessionID))?.session
    if (message.kind === 'relayOpen') {
      if (known == null) {
        this.onSessionOpened(fromNodeID, sessionID, message.wrapped)
      }
      return
    }
    if (known == null) {
      if (message.kind !== 'relayClose' && !this.ended.has(keyOf(fromNodeID, sessionID))) {
        this.turnAway(fromNodeID, sessionID)
      }
      return
    }
    if (message.kind === 'relayReady') {
      known.onReady()
    } else if (message.kind === 'relayClose') {
      known.onGone('The device closed the session')
    } else if (message.kind === 'relayData') {
      try {
        known.onData(message.payload.data)
      } catch (error) {
        if (!(error instanceof RelayRefusal)) {
          throw error
        }
        known.close() // what follows in it could not be trusted
      }
    }
  }

  onDevice (nodeID: string, change: 'joined' | 'changed' | 'left'): void {
    if (change === 'left') {
      for (const { session } of [...this.open.values()]) {
        if (session.device.toLowerCase() === nodeID) {
          session.onGone('The device has left')
        }
      }
    }
    this.settle()
  }

  private onSessionOpened (device: string, sessionID: string, wrapped: boolean): void {
    const { maxSessions = 1_024, maxSessionsPerDevice = 4 } = this.init
    const ofDevice = [...this.open.values()].filter(({ session, inbound }) => inbound && session.device === device)
    if (this.open.size >= maxSessions || ofDevice.length >= maxSessionsPerDevice) {
      this.turnAway(device, sessionID)
      return
    }
    const session = this.addSession(device, sessionID, wrapped, true)
    try {
      session.signalTo('relayReady')
    } catch {
      return // it has left meanwhile, and the session with it
    }
    void serveMesh({
      session,
      clock: this.clock,
      call: (request, options) => this.init.peer.call(request, options),
      onRequest: request => { this.askers.set(request, device.toLowerCase()) },
      takePlace: () => this.takePlace(device.toLowerCase()),
      deviceInfo: () => this.deviceInfo(),
      deviceID: this.nodeID,
      models: () => this.meshModels,
      active: () => this.requestCount
    })
  }

  private openSession (device: DeviceEntry): RelaySession {
    if (this.stopped.signal.aborted || this.open.size >= (this.init.maxSessions ?? 1_024)) {
      throw new InferenceError('busy', 'The seed has too many sessions with devices', { retryAfterMs: 1_000 })
    }
    const wrapped = this.init.port.deviceOf(device.nodeID)?.wrapped ?? false
    return this.addSession(device.nodeID, this.uuid(), wrapped, false)
  }

  private addSession (device: string, id: string, wrapped: boolean, inbound: boolean): RelaySession {
    const key = keyOf(device, id)
    const session = new RelaySession({
      id,
      device,
      own: this.nodeID,
      wrapped,
      port: this.init.port,
      clock: this.clock,
      onEnd: () => {
        this.open.delete(key)
        this.ended.set(key, true)
      }
    })
    this.ended.delete(key)
    this.open.set(key, { session, inbound })
    return session
  }

  private turnAway (device: string, sessionID: string): void {
    this.init.port.send('relayClose', { fromNodeID: this.nodeID, toNodeID: device, sessionID })
  }

  private takePlace (device: string): (() => void) | undefined {
    const { maxRequests = 256, maxRequestsPerDevice = 4 } = this.init
    const own = this.requests.get(device) ?? 0
    if (this.requestCount >= maxRequests || own >= maxRequestsPerDevice) {
      return undefined
    }
    this.requestCount++
    this.requests.set(device, own + 1)
    return () => {
      this.requestCount--
      const left = (this.requests.get(device) ?? 1) - 1
      if (left > 0) {
        this.requests.set(device, left)
      } else {
        this.requests.delete(device)
      }
    }
  }

  /** Brings the offers in line with what devices have loaded, soon, and one change after the other. */
  private settle (): void {
    this.changed = true
    this.settling ??= this.settleNow().catch(() => {}).finally(() => { this.settling = undefined }) // ends with the bridge
  }

  private async settleNow (): Promise<void> {
    while (this.changed) {
      await sleep(this.clock, SETTLE_MS, { signal: this.stopped.signal })
      this.changed = false
      const wanted = this.deviceModels()
      for (const [model, service] of [...this.services]) {
        if (!wanted.has(model)) {
          this.services.delete(model)
          await service.stop()
        }
      }
      await Promise.all([...wanted].filter(model => !this.services.has(model)).map(async model => {
        this.services.set(model, await this.init.peer.serve(this.calls.backend(model)))
      }))
    }
  }

  private deviceModels (): Set<string> {
    const models = new Set<string>()
    for (const { capabilities } of this.init.port.devices()) {
      if (!capabilities.isAvailable || capabilities.maxConcurrentRequests === 0) {
        continue
      }
      for (const model of capabilities.loadedModels) {
        // those on offer stay before others come
        if (models.size < (this.init.maxModels ?? 256)) {
          models.add(model)
        }
      }
    }
    return models
  }

  private async followMesh (): Promise<void> {
    for (;;) {
      await this.refreshModels()
      const nowMs = this.clock.nowMs()
      for (const { session, inbound } of [...this.open.values()]) {
        if (inbound && nowMs - session.heardMs > SESSION_IDLE_MS && !this.requests.has(session.device.toLowerCase())) {
          session.close()
        }
      }
      await sleep(this.clock, this.init.modelsIntervalMs ?? 10_000, { signal: this.stopped.signal })
    }
  }

  /** A source that fails leaves the list to the other one. */
  private async refreshModels (): Promise<void> {
    const { peer, models, port } = this.init
    const limit = deadline(this.clock, MODELS_TIMEOUT_MS, [this.stopped.signal])
    const { signal } = limit
    const [registered, seen] = await Promise.all([
      models?.({ signal }).catch(() => []) ?? [],
      peer.models({ signal }).catch(() => [])
    ])
    limit.clear()
    this.stopped.signal.throwIfAborted()
    const chat = seen.filter(({ tasks }) => tasks.length === 0 || tasks.includes('chat')).sort((a, b) => b.providers - a.providers)
    const ids = new Set([...registered, ...chat].map(({ id }) => id).filter(id => id.length >= 1 && id.length <= MAX_MODEL_CHARS))
    this.meshModels = [...ids].slice(0, MAX_MESH_MODELS)
    port.setLocalNode(this.entry())
  }

  /** The mesh as one device that has all of its models. */
  private entry (): DeviceEntry {
    const { chipFamily, chipName, ramBytes, memoryBandwidthGBPerSecond, platform } = this.init.peer.describe()
    const known = ['macOS', 'iOS', 'linux', 'windows', 'android', 'freebsd'] as const
    return {
      nodeID: this.nodeID,
      publicKey: this.nodeID,
      wgPublicKey: null,
      displayName: this.init.displayName ?? 'Skein mesh',
      capabilities: {
        hardware: {
          chipFamily,
          chipName,
          totalRAMGB: Math.round(ramBytes / 2 ** 30),
          gpuCoreCount: 0,
          memoryBandwidthGBs: memoryBandwidthGBPerSecond,
          tier: 1,
          platform: known.find(name => name === platform)
        },
        loadedModels: this.meshModels.slice(0, MAX_DEVICE_MODELS),
        maxModelSizeGB: 0,
        isAvailable: this.meshModels.length > 0,
        maxConcurrentRequests: this.init.maxRequestsPerDevice ?? 4
      }
    }
  }

  private deviceInfo (): JsonObject {
    const { displayName, capabilities } = this.entry()
    return { deviceID: this.nodeID, nodeID: this.nodeID, displayName, name: displayName, hardware: capabilities.hardware as unknown as JsonObject }
  }

  /** In capitals, as devices that read it as a UUID write it back. */
  private uuid (): string {
    const bytes = randomBytes(this.random, 16)
    bytes[6] = (bytes[6] as number & 0x0f) | 0x40
    bytes[8] = (bytes[8] as number & 0x3f) | 0x80
    const hex = toHex(bytes).toUpperCase()
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
  }
}

function keyOf (device: string, sessionID: string): string {
  return `${device.toLowerCase()} ${sessionID}`
}
