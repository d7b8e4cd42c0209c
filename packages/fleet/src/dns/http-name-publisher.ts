/**
 * Points names at relays through a DNS provider's HTTP API, in the form that Cloudflare's version 4 has (zones, dns_records). Records are "DNS only":
 * UDP does not pass through such a provider's proxies. Tested against a stand-in, not against the provider.
 */
import { deadline } from '@skein/core'
import type { Clock } from '@skein/core'
import type { NamePublisher } from '../provision/provisioner.ts'

export interface HttpNamePublisherInit {
  /** @default 'https://api.cloudflare.com/client/v4' */
  url?: string
  zoneId: string
  /** `relay.example.org`: names become `k7mx2p9a.relay.example.org` */
  zone: string
  /** May edit the records of the zone */
  token: string
  /** How long others may remember where a name points; providers take 60 at least @default 60 */
  ttlSeconds?: number
  /** For all questions of one change @default 10_000 */
  timeoutMs?: number
  clock: Clock
  /** @default globalThis.fetch */
  fetch?: typeof globalThis.fetch
}

/** The provider did not do it. */
export class NameProviderError extends Error {
  static override name = 'NameProviderError'
  override readonly name = 'NameProviderError'
  /** Of its answer; left out where there was none */
  readonly status?: number

  constructor (why: string, { status, ...options }: ErrorOptions & { status?: number } = {}) {
    super(`The DNS provider did not change the name: ${why}`, options)
    this.status = status
  }
}

interface DnsRecord {
  id: string
  type: string
  content: string
  ttl: number
  proxied?: boolean
}

interface Answer<T> {
  success?: boolean
  errors?: Array<{ message?: string }>
  result?: T
}

const TYPES = ['A', 'AAAA', 'CNAME']

export class HttpNamePublisher implements NamePublisher {
  readonly zone: string
  private readonly init: HttpNamePublisherInit

  constructor (init: HttpNamePublisherInit) {
    this.init = init
    this.zone = init.zone
  }

  /** Changes the record that is there, so that the name is never without one; others are taken away before. */
  async publish (name: string, host: string, options: { signal?: AbortSignal } = {}): Promise<void> {
    const { zone, ttlSeconds = 60 } = this.init
    const wanted = { type: typeOf(host), name: `${name}.${zone}`, content: host, ttl: ttlSeconds, proxied: false }
    await this.within(options, async signal => {
      const records = await this.records(wanted.name, signal)
      const [kept] = records.filter(({ type }) => type === wanted.type)
      for (const other of records.filter(record => record !== kept)) {
        await this.remove(other, signal)
      }
      if (kept === undefined) {
        await this.ask('POST', '', wanted, signal)
      } else if (kept.content !== host || kept.ttl !== ttlSeconds || kept.proxied === true) {
        await this.ask('PATCH', `/${encodeURIComponent(kept.id)}`, wanted, signal)
      }
    })
  }

  async withdraw (name: string, options: { signal?: AbortSignal } = {}): Promise<void> {
    await this.within(options, async signal => {
      for (const record of await this.records(`${name}.${this.init.zone}`, signal)) {
        await this.remove(record, signal)
      }
    })
  }

  private async records (name: string, signal: AbortSignal): Promise<DnsRecord[]> {
    const records = await this.ask<DnsRecord[]>('GET', `?name=${encodeURIComponent(name)}`, undefined, signal)
    return (records ?? []).filter(({ type }) => TYPES.includes(type))
  }

  private async remove ({ id }: DnsRecord, signal: AbortSignal): Promise<void> {
    try {
      await this.ask('DELETE', `/${encodeURIComponent(id)}`, undefined, signal)
    } catch (error) {
      if ((error as NameProviderError).status !== 404) { // gone already
        throw error
      }
    }
  }

  private async within (options: { signal?: AbortSignal }, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const limit = deadline(this.init.clock, this.init.timeoutMs ?? 10_000, [options.signal])
    try {
      await work(limit.signal)
    } catch (error) {
      options.signal?.throwIfAborted()
      throw error instanceof NameProviderError ? error : new NameProviderError((error as Error).message, { cause: error })
    } finally {
      limit.clear()
    }
  }

  private async ask<T> (method: string, path: string, body: unknown, signal: AbortSignal): Promise<T | undefined> {
    const { url = 'https://api.cloudflare.com/client/v4', zoneId, token, fetch = globalThis.fetch } = this.init
    const response = await fetch(`${url}/zones/${encodeURIComponent(zoneId)}/dns_records${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal
    })
    const text = await response.text()
    const answer = (text.startsWith('{') ? JSON.parse(text) : {}) as Answer<T>
    if (!response.ok || answer.success !== true) {
      throw new NameProviderError(answer.errors?.[0]?.message ?? `it answers with status ${response.status}`, { status: response.status })
    }
    return answer.result
  }
}

function typeOf (host: string): string {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(host)) {
    return 'A'
  }
  return host.includes(':') ? 'AAAA' : 'CNAME'
}
