/**
 * The relay of existing devices, as a machine: device relay protocol 1.0 (TealeNet relay protocol 1.0), with what that protocol leaves open
 * decided. Signatures are verified, a socket speaks for the one device it registered, everything is bounded, and what cannot be delivered
 * is told to its sender.
 */
import { BoundedMap, TimerTable, TokenBucket } from '@skein/core'
import { DeviceTable } from './device-table.ts'
import { DEFAULT_LIMITS, DEFAULT_RATES } from './device-limits.ts'
import { decodeRelayMessage, encodeRelayMessage, isForwarded, signalText } from './relay-message.ts'
import { RelayRefusal } from './relay-refusal.ts'
import { dateOf, encodeTagged } from './tagged-message.ts'
import type { DeviceLimits, DeviceRates } from './device-limits.ts'
import type { DeviceEntry, RegisteredDevice } from './device-table.ts'
import type { ForwardedKind, ForwardedMessage, RelayMessage, RelayPayload } from './relay-message.ts'
import type { RelayRefusalCode } from './relay-refusal.ts'
import type { Machine, Random } from '@skein/core'

export type SocketId = number

/** What the machine asks of the world while it decides. */
export interface DeviceWorld {
  /** Bytes handed over for this socket and not yet with the network */
  queuedBytes: (socket: SocketId) => number
  /** The same of all sockets; asked only when one has much waiting */
  totalQueuedBytes: () => number
  /** Ed25519, over the UTF-8 of `text`; hex. `false` for keys and signatures that are none */
  verify: (publicKey: string, text: string, signature: string) => boolean
}

export interface SocketInit {
  /** What sockets of one owner have in common; see `maxSocketsPerAddress` */
  address: string
  /** Be told of joins and leaves @default false */
  events?: boolean
}

export type DeviceEffect =
  | { type: 'send', socket: SocketId, data: string | Uint8Array, binary: boolean }
  | { type: 'close', socket: SocketId, code: number, reason: string }
  | { type: 'ping', socket: SocketId }
  /** For the seed's own node; `wrapped` of the message is the form its sender reads */
  | { type: 'deliver', message: ForwardedMessage }
  /** A device came, changed what it says of itself, or left */
  | { type: 'device', nodeID: string, change: 'joined' | 'changed' | 'left' }

export type Delivery = 'sent' | 'peer_not_found' | 'queue_full'

export interface DeviceCounters {
  opened: number
  closed: number
  registered: number
  discovered: number
  forwarded: Record<ForwardedKind, number>
  relayedBytes: number
  /** By code */
  refused: Partial<Record<RelayRefusalCode, number>>
  /** Sockets refused or closed, by reason */
  turnedAway: Record<string, number>
}

interface SocketState {
  id: SocketId
  address: string
  events: boolean
  /** How the client wrote last: answers come the same way */
  wrapped: boolean
  binary: boolean
  device?: RegisteredDevice<SocketState | undefined>
  openedMs: number
  heardMs: number
  pinged: boolean
  buckets: Partial<Record<keyof DeviceRates, TokenBucket>>
}

type Device = RegisteredDevice<SocketState | undefined>

/** Devices of which it is remembered how often they asked, over their sockets. */
const MAX_RATED_DEVICES = 16_384
/** Below this much waiting for a receiver the sum over all is not asked for, bytes. */
const SMALL_QUEUE_BYTES = 64 * 1024
/** Around the peers of a discover answer, bytes. */
const ENVELOPE_BYTES = 64

/** Close codes: 1000 to 1999 are the WebSocket's own. */
const CLOSE = { idle: 4000, replaced: 4001, unregistered: 4002, faults: 4003 } as const

export class DeviceHub implements Machine<DeviceEffect> {
  readonly counters: DeviceCounters = {
    opened: 0,
    closed: 0,
    registered: 0,
    discovered: 0,
    forwarded: { offer: 0, answer: 0, iceCandidate: 0, relayOpen: 0, relayReady: 0, relayData: 0, relayClose: 0 },
    relayedBytes: 0,
    refused: {},
    turnedAway: {}
  }

  readonly limits: Required<Omit<DeviceLimits, 'rates'>>
  private readonly rates: Required<DeviceRates>
  private readonly world: DeviceWorld
  private readonly random: Random
  private readonly sockets = new Map<SocketId, SocketState>()
  private readonly perAddress = new Map<string, number>()
  private readonly subscribers = new Set<SocketState>()
  private readonly table = new DeviceTable<SocketState | undefined>()
  private readonly discoverBuckets = new BoundedMap<string, TokenBucket>({ maxSize: MAX_RATED_DEVICES })
  private readonly timers = new TimerTable<SocketId>()
  /** The seed's own node */
  private local?: Device
  private effects: DeviceEffect[] = []
  private nextEffect = 0

  constructor (limits: DeviceLimits, world: DeviceWorld, random: Random) {
    const { rates, ...bounds } = limits
    this.limits = { ...DEFAULT_LIMITS, ...defined(bounds) }
    this.rates = { ...DEFAULT_RATES, ...defined(rates ?? {}) }
    this.world = world
    this.random = random
  }

  get socketCount (): number {
    return this.sockets.size
  }

  get deviceCount (): number {
    return this.table.size - (this.local == null ? 0 : 1)
  }

  /** Why a socket of this address is not taken; `undefined` when it is. */
  refusalOf (address: string): 'sockets' | 'address' | undefined {
    if (this.sockets.size >= this.limits.maxSockets) {
      return 'sockets'
    }
    return (this.perAddress.get(address) ?? 0) >= this.limits.maxSocketsPerAddress ? 'address' : undefined
  }

  /** The device as it registered; `undefined` when it is not here. */
  deviceOf (nodeID: string): { entry: DeviceEntry, wrapped: boolean } | undefined {
    const device = this.table.get(nodeID)
    return device?.link == null ? undefined : { entry: device.entry, wrapped: device.link.wrapped }
  }

  /** The devices that have `model` loaded. */
  * devicesWith (model: string): Generator<DeviceEntry, void, undefined> {
    for (const { entry, link } of this.table.withModel(model)) {
      if (link != null) {
        yield entry
      }
    }
  }

  /** All devices here. */
  * devices (): Generator<DeviceEntry, void, undefined> {
    for (const { entry, link } of this.table.values()) {
      if (link != null) {
        yield entry
      }
    }
  }

  onOpen (socket: SocketId, init: SocketInit, nowMs: number): void {
    const state: SocketState = {
      id: socket,
      address: init.address,
      events: init.events === true && this.subscribers.size < this.limits.maxSubscribers,
      wrapped: false,
      binary: false,
      openedMs: nowMs,
      heardMs: nowMs,
      pinged: false,
      buckets: {}
    }
    this.counters.opened++
    this.sockets.set(socket, state)
    this.perAddress.set(init.address, (this.perAddress.get(init.address) ?? 0) + 1)
    this.timers.set(socket, nowMs + this.limits.registerTimeoutMs)
    if (state.events) {
      this.subscribers.add(state)
    } else if (init.events === true) {
      this.turnAway('subscribers')
    }
  }

  onMessage (socket: SocketId, bytes: Uint8Array, binary: boolean, nowMs: number): void {
    const state = this.sockets.get(socket)
    if (state == null) {
      return // its close is on the way
    }
    state.heardMs = nowMs
    state.pinged = false
    state.binary = binary
    try {
      // charged before anything is parsed: that is what costs
      this.charge(state, 'messages', 1, nowMs)
      this.charge(state, 'bytes', bytes.length, nowMs)
      const message = decodeRelayMessage(bytes)
      state.wrapped = message.wrapped
      if (bytes.length > this.limits.maxSignalBytes && message.kind !== 'relayData') {
        throw new RelayRefusal('message_too_large', `${message.kind} may have ${this.limits.maxSignalBytes} bytes`, { about: message.kind })
      }
      this.accept(state, message, bytes, nowMs)
    } catch (error) {
      if (!(error instanceof RelayRefusal)) {
        throw error
      }
      this.refuse(state, error, nowMs)
    }
  }

  /** A WebSocket ping or pong came in. */
  onAlive (socket: SocketId, nowMs: number): void {
    const state = this.sockets.get(socket)
    if (state != null) {
      state.heardMs = nowMs
      state.pinged = false
    }
  }

  onClose (socket: SocketId, _nowMs: number): void {
    const state = this.sockets.get(socket)
    if (state != null) {
      this.forget(state)
    }
  }

  onTimeout (nowMs: number): void {
    for (let id = this.timers.popDue(nowMs); id !== undefined; id = this.timers.popDue(nowMs)) {
      const state = this.sockets.get(id)
      if (state != null) {
        this.onSocketTimeout(state, nowMs)
      }
    }
  }

  /** The seed's own node joins, changes its entry, or (without one) leaves. It has no socket: what is for it comes out as `deliver`. */
  onLocalNode (entry: DeviceEntry | undefined, _nowMs: number): void {
    if (this.local != null) {
      this.table.delete(this.local.key)
      this.local = undefined
    }
    if (entry != null) {
      const impostor = this.table.get(entry.nodeID)?.link
      if (impostor != null) {
        this.close(impostor, CLOSE.replaced, 'this is the seed\'s own name')
      }
      this.local = this.table.set(entry, undefined)
    }
  }

  /** A message of the seed's own node to a device, in the form which that one writes. */
  onLocalMessage<K extends ForwardedKind> (kind: K, payload: RelayPayload<K>, _nowMs: number): Delivery {
    const target = this.table.get(payload.toNodeID)?.link
    if (target == null) {
      return 'peer_not_found'
    }
    const data = encodeRelayMessage(kind, payload, target.wrapped)
    if (!this.hasRoom(target, data.length)) {
      return 'queue_full'
    }
    this.counters.forwarded[kind]++
    this.counters.relayedBytes += kind === 'relayData' ? data.length : 0
    this.push({ type: 'send', socket: target.id, data, binary: target.binary })
    return 'sent'
  }

  poll (): DeviceEffect | undefined {
    if (this.nextEffect < this.effects.length) {
      return this.effects[this.nextEffect++]
    }
    this.effects = []
    this.nextEffect = 0
    return undefined
  }

  nextTimeoutMs (): number | undefined {
    return this.timers.nextMs()
  }

  private accept (state: SocketState, message: RelayMessage, bytes: Uint8Array, nowMs: number): void {
    if (message.kind === 'register') {
      this.register(state, message.payload, nowMs)
    } else if (message.kind === 'discover') {
      this.discover(state, message.payload, nowMs)
    } else if (isForwarded(message)) {
      this.forward(state, message, bytes, nowMs)
    } else {
      throw new RelayRefusal('unsupported_message', `${message.kind} is for servers to send`, { about: message.kind })
    }
  }

  private register (state: SocketState, payload: RelayPayload<'register'>, nowMs: number): void {
    const refuse = (code: RelayRefusalCode, message: string): never => { throw new RelayRefusal(code, message, { about: 'register' }) }
    const key = payload.nodeID.toLowerCase()

    this.charge(state, 'register', 1, nowMs, { about: 'register' })
    if (payload.publicKey.toLowerCase() !== key) {
      refuse('invalid_register', 'nodeID must be the publicKey')
    }
    if (state.device != null && state.device.key !== key) {
      refuse('already_registered', `This socket is ${state.device.entry.nodeID}; open another one`)
    }
    if (!this.world.verify(payload.publicKey, payload.nodeID, payload.signature)) {
      refuse('invalid_signature', 'The signature is not that of the nodeID by its key')
    }
    const known = this.table.get(key)
    if (known != null && known.link == null) {
      refuse('invalid_register', 'That is the seed\'s own name')
    }
    if (known?.link != null && known.link !== state) {
      // the same key has signed: the device is back on a new socket before the old one was seen to be dead
      known.link.device = undefined
      this.close(known.link, CLOSE.replaced, 'the device registered on another socket')
    }
    const { nodeID, publicKey, wgPublicKey, displayName, capabilities } = payload
    state.device = this.table.set({ nodeID, publicKey, wgPublicKey, displayName, capabilities }, state)
    this.counters.registered++
    this.reply(state, 'registerAck', { nodeID, registeredAt: dateOf(nowMs), ttlSeconds: this.limits.ttlMs / 1000 })
    this.push({ type: 'device', nodeID: key, change: known == null ? 'joined' : 'changed' })
    if (known == null) {
      this.announce('peerJoined', state.device, nowMs)
    }
  }

  private discover (state: SocketState, payload: RelayPayload<'discover'>, nowMs: number): void {
    const about = { about: 'discover' }
    const { key } = this.ownDevice(state, payload.requestingNodeID, about)
    let bucket = this.discoverBuckets.touch(key)
    if (bucket == null) {
      bucket = new TokenBucket(this.rates.discover, nowMs)
      this.discoverBuckets.set(key, bucket)
    }
    take(bucket, 'discover', 1, nowMs, about)

    const peers = this.table.discover({
      asker: key,
      first: this.local,
      filter: payload.filter ?? {},
      maxPeers: this.limits.maxDiscoverPeers,
      maxBytes: this.limits.maxDiscoverBytes - ENVELOPE_BYTES,
      lastSeen: ({ link }) => dateOf(link?.heardMs ?? nowMs)
    }, this.random)
    this.counters.discovered++
    this.send(state, state.wrapped ? `{"discoverResponse":{"_0":{"peers":${peers}}}}` : `{"discoverResponse":{"peers":${peers}}}`)
  }

  private forward (state: SocketState, message: ForwardedMessage, bytes: Uint8Array, nowMs: number): void {
    const { kind, payload } = message
    const about = { about: kind, toNodeID: payload.toNodeID, sessionID: payload.sessionID }
    const own = this.ownDevice(state, payload.fromNodeID, about)

    if (kind !== 'relayData') {
      this.charge(state, 'signal', 1, nowMs, about)
    }
    if (kind === 'offer' || kind === 'answer') {
      if (!this.world.verify(own.entry.publicKey, signalText(payload), payload.signature)) {
        throw new RelayRefusal('invalid_signature', 'The signature is not that of from:to:session by the sender\'s key', about)
      }
      this.table.setNatType(own, payload.connectionInfo.natType)
    }
    const target = this.table.get(payload.toNodeID)
    if (target == null) {
      throw new RelayRefusal('peer_not_found', `${payload.toNodeID} is not registered here`, about)
    }
    if (target.link == null) {
      if (!kind.startsWith('relay')) {
        throw new RelayRefusal('relay_only', 'The seed takes relayed sessions only', about)
      }
      this.push({ type: 'deliver', message })
    } else {
      if (!this.hasRoom(target.link, bytes.length)) {
        throw new RelayRefusal('queue_full', `${payload.toNodeID} reads too slowly; this message was not passed on`, about)
      }
      this.push({ type: 'send', socket: target.link.id, data: bytes, binary: state.binary })
    }
    this.counters.forwarded[kind]++
    this.counters.relayedBytes += kind === 'relayData' ? bytes.length : 0
  }

  /** The socket's own registration; a message that speaks for another one is refused. */
  private ownDevice (state: SocketState, nodeID: string, about: { about: string }): Device {
    const { device } = state
    if (device == null) {
      throw new RelayRefusal('not_registered', 'Register first', about)
    }
    if (nodeID !== device.entry.nodeID && nodeID.toLowerCase() !== device.key) {
      throw new RelayRefusal('wrong_sender', `This socket is ${device.entry.nodeID}`, about)
    }
    return device
  }

  private charge (
    state: SocketState, rate: keyof DeviceRates, count: number, nowMs: number,
    about: { about?: string, toNodeID?: string, sessionID?: string } = {}
  ): void {
    take(state.buckets[rate] ??= new TokenBucket(this.rates[rate], nowMs), rate, count, nowMs, about)
  }

  private hasRoom (target: SocketState, bytes: number): boolean {
    const queuedBytes = this.world.queuedBytes(target.id)
    return queuedBytes + bytes <= this.limits.maxQueueBytes &&
      (queuedBytes < SMALL_QUEUE_BYTES || this.world.totalQueuedBytes() + bytes <= this.limits.maxTotalQueueBytes)
  }

  private refuse (state: SocketState, refusal: RelayRefusal, nowMs: number): void {
    const { code, message, about, toNodeID, sessionID, retryAfterMs } = refusal
    state.wrapped = refusal.wrapped ?? state.wrapped
    this.counters.refused[code] = (this.counters.refused[code] ?? 0) + 1
    // what the receiver's state is to blame for does not count against the sender
    if (code !== 'queue_full' && code !== 'peer_not_found') {
      const faults = state.buckets.faults ??= new TokenBucket(this.rates.faults, nowMs)
      if (!faults.take(1, nowMs)) {
        this.turnAway('faults')
        this.close(state, CLOSE.faults, 'too many messages that had to be refused')
        return
      }
    }
    const retryAfterSeconds = retryAfterMs == null ? undefined : Math.ceil(retryAfterMs / 1000)
    this.send(state, encodeTagged('error', { code, message, kind: about, toNodeID, sessionID, retryAfterSeconds }, state.wrapped))
  }

  private reply (state: SocketState, kind: 'registerAck', payload: RelayPayload<'registerAck'>): void {
    this.send(state, encodeRelayMessage(kind, payload, state.wrapped))
  }

  private send (state: SocketState, data: string): void {
    this.push({ type: 'send', socket: state.id, data, binary: state.binary })
  }

  private announce (kind: 'peerJoined' | 'peerLeft', device: Device, nowMs: number): void {
    const { nodeID, displayName } = device.entry
    for (const subscriber of this.subscribers) {
      if (subscriber === device.link) {
        continue
      }
      const data = encodeRelayMessage(kind, { nodeID, displayName }, subscriber.wrapped)
      if (this.hasRoom(subscriber, data.length)) {
        this.send(subscriber, data)
      } else {
        this.subscribers.delete(subscriber)
        this.refuse(subscriber, new RelayRefusal('queue_full', 'You read too slowly: no more joins and leaves are sent', { about: kind }), nowMs)
      }
    }
  }

  private onSocketTimeout (state: SocketState, nowMs: number): void {
    const { registerTimeoutMs, pingAfterMs } = this.limits
    const idleTimeoutMs = Math.min(this.limits.idleTimeoutMs, this.limits.ttlMs)
    if (state.device == null && nowMs - state.openedMs >= registerTimeoutMs) {
      this.turnAway('unregistered')
      this.close(state, CLOSE.unregistered, 'no registration in time')
      return
    }
    const silentMs = nowMs - state.heardMs
    if (silentMs >= idleTimeoutMs) {
      this.turnAway('idle')
      this.close(state, CLOSE.idle, 'silent for too long')
      return
    }
    if (silentMs >= pingAfterMs && !state.pinged) {
      state.pinged = true
      this.push({ type: 'ping', socket: state.id })
    }
    this.timers.set(state.id, state.heardMs + (state.pinged ? idleTimeoutMs : pingAfterMs))
  }

  private close (state: SocketState, code: number, reason: string): void {
    this.push({ type: 'close', socket: state.id, code, reason })
    this.forget(state)
  }

  private forget (state: SocketState): void {
    this.counters.closed++
    this.sockets.delete(state.id)
    this.timers.delete(state.id)
    this.subscribers.delete(state)
    const others = (this.perAddress.get(state.address) ?? 1) - 1
    if (others > 0) {
      this.perAddress.set(state.address, others)
    } else {
      this.perAddress.delete(state.address)
    }
    const { device } = state
    if (device != null) {
      state.device = undefined
      this.table.delete(device.key)
      this.push({ type: 'device', nodeID: device.key, change: 'left' })
      this.announce('peerLeft', device, state.heardMs)
    }
  }

  private turnAway (reason: string): void {
    this.counters.turnedAway[reason] = (this.counters.turnedAway[reason] ?? 0) + 1
  }

  private push (effect: DeviceEffect): void {
    this.effects.push(effect)
  }
}

function take (
  bucket: TokenBucket, rate: string, count: number, nowMs: number, about: { about?: string, toNodeID?: string, sessionID?: string }
): void {
  if (!bucket.take(count, nowMs)) {
    throw new RelayRefusal('rate_limited', `Too many (${rate})`, { ...about, retryAfterMs: bucket.waitMs(count, nowMs) })
  }
}

/** Without the options that are set to `undefined`, which would hide their defaults. */
function defined<T extends object> (options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as { [K in keyof T]: Exclude<T[K], undefined> }
}
