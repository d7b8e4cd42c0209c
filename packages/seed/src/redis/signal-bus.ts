/** The bus that seeds share for signalling, in Redis: claims in `PREFIX:loc:PEER`, a channel `PREFIX:sig:SEED` to each seed. */
import { Redis } from 'ioredis'
import { SignalBusError } from '../signalling/signal-bus.ts'
import { CLAIM_LOCATION, LOCATE_PEER, PUBLISH_SIGNAL, RELEASE_LOCATION, RENEW_LOCATION } from './signal-scripts.ts'
import type { Cluster } from 'ioredis'
import type { Cancel, Clock } from '@skein/core'
import type { PeerLocation, SignalBus, SignalBusListener } from '../signalling/signal-bus.ts'
import type { SignalScript } from './signal-scripts.ts'

export interface RedisSignalBusInit {
  /**
   * Runs the scripts and publishes; a second connection of the same settings, which the bus makes and ends, listens. It is to be made with
   * `autoResendUnfulfilledCommands: false`, or a signal that failed may be sent all the same when Redis is back. Ending it is up to its owner
   */
  client: Redis | Cluster
  /** The peer id of this seed */
  seed: string
  clock: Clock
  /** What all keys and channels begin with @default 'skein' */
  prefix?: string
  /** Told why the listening connection was lost or could not be made; it is tried again by itself */
  onError?: (error: Error) => void
}

type Argument = string | number | Buffer

/** A command that takes longer has failed, ms: half of what a signal has. */
const COMMAND_TIMEOUT_MS = 1_000
/** How often the connection that only listens is asked whether it is still there, ms. */
const PING_INTERVAL_MS = 5_000

export class RedisSignalBus implements SignalBus {
  private readonly client: Redis | Cluster
  private readonly init: RedisSignalBusInit
  private readonly prefix: string
  private readonly channel: string
  private listener: SignalBusListener | undefined
  private subscriber: Redis | Cluster | undefined
  private cancelPing: Cancel = () => {}

  constructor (init: RedisSignalBusInit) {
    this.init = init
    this.client = init.client
    this.prefix = init.prefix ?? 'skein'
    this.channel = this.channelOf(init.seed)
    for (const { name, lua } of [CLAIM_LOCATION, LOCATE_PEER, PUBLISH_SIGNAL, RELEASE_LOCATION, RENEW_LOCATION]) {
      this.client.defineCommand(name, { numberOfKeys: 1, lua })
    }
  }

  start (listener: SignalBusListener): void {
    this.listener = listener
    const { client } = this
    const subscriber: Redis | Cluster = client instanceof Redis ? client.duplicate() : client.duplicate([], { enableOfflineQueue: true })
    // a cluster's listening connection is made only once somebody wants to listen
    this.subscriber = subscriber
    subscriber.on('error', error => { this.init.onError?.(error as Error) })
    subscriber.on('ready', () => { void this.subscribe(subscriber) })
    subscriber.on('messageBuffer', (_channel: Buffer, message: Buffer) => { listener.onMessage(Uint8Array.from(message)) })
    this.client.on('ready', listener.onRestored)
    this.schedulePing(subscriber)
  }

  async stop (): Promise<void> {
    this.cancelPing()
    if (this.listener !== undefined) {
      this.client.off('ready', this.listener.onRestored)
    }
    this.subscriber?.disconnect()
    this.subscriber = undefined
  }

  async claim (peer: string, floor: number): Promise<number> {
    return Number(await this.run(CLAIM_LOCATION, this.locationsOf(peer), this.init.seed, floor))
  }

  async renew (peer: string, token: number): Promise<boolean> {
    return await this.run(RENEW_LOCATION, this.locationsOf(peer), this.init.seed, token) === 1
  }

  async release (peer: string, token: number): Promise<boolean> {
    return await this.run(RELEASE_LOCATION, this.locationsOf(peer), this.init.seed, token) === 1
  }

  async locate (peer: string): Promise<PeerLocation[]> {
    const found = await this.run(LOCATE_PEER, this.locationsOf(peer)) as string[]
    const locations: PeerLocation[] = []
    for (let i = 0; i + 1 < found.length; i += 2) {
      locations.push({ seed: found[i] as string, token: Number(found[i + 1]) })
    }
    return locations.sort((a, b) => b.token - a.token)
  }

  async publish (seed: string, bytes: Uint8Array): Promise<'sent' | 'nobody'> {
    const listeners = await this.run(PUBLISH_SIGNAL, this.channelOf(seed), Buffer.from(bytes))
    // a cluster counts those who listen at the one node that was asked, which says nothing of the others
    return listeners === 0 && this.client instanceof Redis ? 'nobody' : 'sent'
  }

  private async run (script: SignalScript, key: string, ...args: Argument[]): Promise<unknown> {
    const commands = this.client as unknown as Record<string, (key: string, ...args: Argument[]) => Promise<unknown>>
    return await this.within(async () => await commands[script.name]?.(key, ...args))
  }

  private async within<T> (work: () => Promise<T>): Promise<T> {
    if (this.client.status !== 'ready') {
      throw new SignalBusError('Redis is not connected', { mayBeDone: false })
    }
    try {
      return await this.inTime(work())
    } catch (cause) {
      throw new SignalBusError(`Redis failed: ${(cause as Error).message}`, { mayBeDone: true, cause })
    }
  }

  private async inTime<T> (work: Promise<T>): Promise<T> {
    const { clock } = this.init
    const late = Promise.withResolvers<never>()
    const cancel = clock.schedule(clock.nowMs() + COMMAND_TIMEOUT_MS, () => { late.reject(new Error(`no answer within ${COMMAND_TIMEOUT_MS} ms`)) })
    try {
      return await Promise.race([work, late.promise])
    } finally {
      cancel()
    }
  }

  private async subscribe (subscriber: Redis | Cluster): Promise<void> {
    try {
      await subscriber.subscribe(this.channel)
    } catch (error) {
      this.reconnect(subscriber, error as Error)
    }
  }

  /** A connection that only listens does not notice that the other end is gone. */
  private schedulePing (subscriber: Redis | Cluster): void {
    const { clock } = this.init
    this.cancelPing = clock.schedule(clock.nowMs() + PING_INTERVAL_MS, () => {
      if (!(subscriber instanceof Redis) || subscriber.status !== 'ready') {
        this.schedulePing(subscriber)
        return
      }
      this.inTime(subscriber.ping())
        .catch(error => { this.reconnect(subscriber, error as Error) })
        .finally(() => {
          if (this.subscriber === subscriber) {
            this.schedulePing(subscriber)
          }
        })
    })
  }

  private reconnect (subscriber: Redis | Cluster, why: Error): void {
    this.init.onError?.(why)
    if (this.subscriber === subscriber) {
      subscriber.disconnect(true)
    }
  }

  private locationsOf (peer: string): string {
    return `${this.prefix}:loc:${peer}`
  }

  private channelOf (seed: string): string {
    return `${this.prefix}:sig:${seed}`
  }
}
