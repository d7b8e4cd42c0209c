/** A connection to a Redis server or cluster that fails soon rather than queueing, and the scripts that are run over it. */
import { Cluster, Redis } from 'ioredis'
import { RedisFailure, RedisFullError } from './redis-failure.ts'
import type { RedisAddress } from './redis-address.ts'

/** One Lua script; all keys it touches lie in the slot of the one key that it is given. */
export interface RedisScript {
  name: string
  lua: string
}

export type RedisArgument = string | number | Buffer
/** What a script answers: texts and records as bytes. */
export type RedisReply = number | Buffer | null | RedisReply[]

export interface RedisConnectionInit {
  address: RedisAddress
  /** A command that takes longer has failed @default 500 */
  commandTimeoutMs?: number
  /** Told why the connection was lost or could not be made; it is tried again by itself */
  onError?: (error: Error) => void
  /** Told each time it is connected */
  onReady?: () => void
}

/** Between two attempts to connect: doubled each time, ms. */
const RECONNECT_MS = { first: 50, most: 2_000 }
const CONNECT_TIMEOUT_MS = 2_000

export class RedisConnection {
  /** For what is neither a script nor a plain command: channels. Ending it is up to this */
  readonly client: Redis | Cluster
  private readonly defined = new Set<string>()

  constructor (init: RedisConnectionInit) {
    const { address } = init
    const options = {
      username: address.username,
      password: address.password,
      tls: address.tls ? {} : undefined,
      protocol: 2 as const,
      connectTimeout: CONNECT_TIMEOUT_MS,
      commandTimeout: init.commandTimeoutMs ?? 500,
      // nobody waits for a Redis that is away: there is the memory of the seed
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0
    }
    const [first] = address.nodes
    this.client = address.nodes.length === 1
      ? new Redis({ ...options, ...first, db: address.database, enableOfflineQueue: false, retryStrategy: reconnectMs })
      : new Cluster(address.nodes, { redisOptions: options, enableOfflineQueue: false, clusterRetryStrategy: reconnectMs })
    this.client.on('error', error => { init.onError?.(error as Error) })
    this.client.on('ready', () => { init.onReady?.() })
  }

  /** Runs a script by its hash; a server that does not know it is sent the text. */
  async run (script: RedisScript, key: string, ...args: RedisArgument[]): Promise<RedisReply> {
    if (!this.defined.has(script.name)) {
      this.client.defineCommand(script.name, { numberOfKeys: 1, lua: script.lua })
      this.defined.add(script.name)
    }
    return await this.call(script.name, key, ...args)
  }

  /** A plain command on one key, by its name in small letters. */
  async call (command: string, key: string, ...args: RedisArgument[]): Promise<RedisReply> {
    const commands = this.client as unknown as Record<string, (key: string, ...args: RedisArgument[]) => Promise<RedisReply>>
    try {
      return await (commands[`${command}Buffer`] as (typeof commands)[string]).call(this.client, key, ...args)
    } catch (error) {
      throw failureOf(command, error)
    }
  }

  /** Resolves once Redis answers; rejects with why it does not at the first attempt. */
  async ready (): Promise<void> {
    if (this.client.status !== 'ready') {
      await new Promise<void>((resolve, reject) => {
        this.client.once('ready', resolve)
        this.client.once('error', reject)
      })
    }
  }

  /** Lets go at once; what was under way fails. */
  close (): void {
    this.client.disconnect()
  }
}

function reconnectMs (attempt: number): number {
  return Math.min(RECONNECT_MS.most, RECONNECT_MS.first * 2 ** Math.min(attempt - 1, 16))
}

function failureOf (operation: string, error: unknown): Error {
  return /^OOM\b|maxmemory/.test((error as Error)?.message ?? '') ? new RedisFullError(error) : new RedisFailure(operation, error)
}
