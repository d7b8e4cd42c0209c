/** The control plane, as its API answers: what `FleetClient` and the command ask of it. */
import { deadline } from '@skein/core'
import type { Clock } from '@skein/core'
import type { ConnectionSpec, SessionView } from './fleet-connection.ts'

export interface FleetRequestsInit {
  /** `https://fleet.example.org` */
  url: string
  /** `skf_…` */
  key: string
  clock: Clock
  /** An answer takes no longer @default 10_000 */
  timeoutMs?: number
  /** @default globalThis.fetch */
  fetch?: typeof globalThis.fetch
}

/** The control plane refused, and said why. */
export class FleetRefusedError extends Error {
  static override name = 'FleetRefusedError'
  override readonly name = 'FleetRefusedError'
  readonly status: number
  readonly code: string
  /** What of the request is wrong */
  readonly field?: string
  readonly requestId?: string

  constructor (status: number, { code = 'unknown', message = `The fleet answers with status ${status}`, field, requestId }: Partial<Refused>) {
    super(message)
    this.status = status
    this.code = code
    this.field = field
    this.requestId = requestId
  }
}

/** The control plane did not answer, or not as one does. */
export class FleetUnreachableError extends Error {
  static override name = 'FleetUnreachableError'
  override readonly name = 'FleetUnreachableError'

  constructor (url: string, why: string, options?: ErrorOptions) {
    super(`The fleet at ${url} does not answer: ${why}`, options)
  }
}

interface Refused {
  code: string
  message: string
  field: string
  requestId: string
}

export interface RequestOptions {
  signal?: AbortSignal
}

export interface WatchedSession {
  live: boolean
  /** Left out when it is at none now */
  instanceId?: string
}

/** Who gives sessions a relay: a control plane over its API, or the mesh. All throw `FleetRefusedError` and `FleetUnreachableError`. */
export interface SessionRequests {
  /** Begins, or finds what is begun already; answers before it is done */
  start (spec: ConnectionSpec, options?: RequestOptions): Promise<SessionView>
  session (id: string, options?: RequestOptions): Promise<SessionView>
  heartbeat (id: string, options?: RequestOptions): Promise<SessionView>
  move (id: string, region: string, options?: RequestOptions): Promise<SessionView>
  stop (id: string, options?: RequestOptions): Promise<void>
  /** Whether somebody sends, and at which node the session is; `undefined` where that is not known */
  watch (id: string, options?: RequestOptions): Promise<WatchedSession | undefined>
}

const MAX_ANSWER_BYTES = 8 * 2 ** 20

export class FleetRequests implements SessionRequests {
  private readonly init: FleetRequestsInit
  private readonly url: string

  constructor (init: FleetRequestsInit) {
    this.init = init
    this.url = init.url.replace(/\/$/, '')
  }

  async start (spec: ConnectionSpec, options?: RequestOptions): Promise<SessionView> {
    return await this.ask<SessionView>('POST', '/v1/sessions', spec, options)
  }

  async session (id: string, options?: RequestOptions): Promise<SessionView> {
    return await this.ask<SessionView>('GET', `/v1/sessions/${id}`, undefined, options)
  }

  async heartbeat (id: string, options?: RequestOptions): Promise<SessionView> {
    return await this.ask<SessionView>('POST', `/v1/sessions/${id}/heartbeat`, undefined, options)
  }

  async move (id: string, region: string, options?: RequestOptions): Promise<SessionView> {
    return await this.ask<SessionView>('POST', `/v1/sessions/${id}/move`, { region }, options)
  }

  async stop (id: string, options?: RequestOptions): Promise<void> {
    await this.ask('DELETE', `/v1/sessions/${id}`, undefined, options)
  }

  async watch (id: string, options?: RequestOptions): Promise<WatchedSession | undefined> {
    try {
      return await this.ask<WatchedSession>('GET', `/v1/sessions/${id}/statistics`, undefined, options)
    } catch (error) {
      return error instanceof FleetRefusedError && error.status === 409 ? { live: false } : undefined
    }
  }

  /** @throws {FleetRefusedError | FleetUnreachableError} */
  async ask<T> (method: string, path: string, body?: unknown, { signal }: RequestOptions = {}): Promise<T> {
    const { key, clock, timeoutMs = 10_000, fetch = globalThis.fetch } = this.init
    const limit = deadline(clock, timeoutMs, [signal])
    try {
      const response = await fetch(`${this.url}${path}`, {
        method,
        headers: { authorization: `Bearer ${key}`, ...body === undefined ? {} : { 'content-type': 'application/json' } },
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: limit.signal
      })
      const text = await response.text()
      if (text.length > MAX_ANSWER_BYTES) {
        throw new Error('its answer is too long')
      }
      const answer = text === '' ? undefined : JSON.parse(text) as { error?: Partial<Refused> }
      if (!response.ok) {
        throw new FleetRefusedError(response.status, answer?.error ?? {})
      }
      return answer as T
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof FleetRefusedError) {
        throw error
      }
      const cause = (error as { cause?: Error }).cause
      throw new FleetUnreachableError(this.url, cause?.message ?? (error as Error).message, { cause: error })
    } finally {
      limit.clear()
    }
  }
}
