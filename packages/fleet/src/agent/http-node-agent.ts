/** A relay node over HTTP, as `serveNode` answers. */
import { deadline } from '@skein/core'
import { NodeRefusedError, NodeUnreachableError } from './node-agent.ts'
import type { Clock } from '@skein/core'
import type { AdmitRequest, AgentOptions, NodeAgent, NodeHealth, NodeRefusal, NodeStatistics, RevokeRequest } from './node-agent.ts'

export interface HttpNodeAgentInit {
  /** `http://192.0.2.1:3000` */
  url: string
  key: string
  clock: Clock
  /** @default 3_000 */
  timeoutMs?: number
  /** @default globalThis.fetch */
  fetch?: typeof globalThis.fetch
}

/** 10,000 streams with four links each are below it. */
const MAX_ANSWER_BYTES = 16 * 2 ** 20
const REFUSALS: NodeRefusal[] = ['stale_fence', 'full', 'draining', 'unauthorized', 'bad_request']

export class HttpNodeAgent implements NodeAgent {
  private readonly url: string
  private readonly key: string
  private readonly clock: Clock
  private readonly timeoutMs: number
  private readonly fetch: typeof globalThis.fetch

  constructor ({ url, key, clock, timeoutMs = 3_000, fetch = globalThis.fetch }: HttpNodeAgentInit) {
    this.url = url.replace(/\/$/, '')
    this.key = key
    this.clock = clock
    this.timeoutMs = timeoutMs
    this.fetch = fetch
  }

  async health (options?: AgentOptions): Promise<NodeHealth> {
    return await this.ask('GET', '/node/health', undefined, options) as NodeHealth
  }

  async statistics (options?: AgentOptions): Promise<NodeStatistics> {
    return await this.ask('GET', '/node/statistics', undefined, options) as NodeStatistics
  }

  async admit ({ sessionId, ...body }: AdmitRequest, options?: AgentOptions): Promise<void> {
    await this.ask('PUT', `/node/streams/${encodeURIComponent(sessionId)}`, body, options)
  }

  async revoke ({ sessionId, ...body }: RevokeRequest, options?: AgentOptions): Promise<void> {
    await this.ask('POST', `/node/streams/${encodeURIComponent(sessionId)}/revoke`, body, options)
  }

  async drain (draining: boolean, options?: AgentOptions): Promise<void> {
    await this.ask('POST', '/node/drain', { draining }, options)
  }

  private async ask (method: string, path: string, body: unknown, { signal }: AgentOptions = {}): Promise<unknown> {
    const limit = deadline(this.clock, this.timeoutMs, [signal])
    try {
      const response = await this.fetch(`${this.url}${path}`, {
        method,
        headers: { authorization: `Bearer ${this.key}`, ...body === undefined ? {} : { 'content-type': 'application/json' } },
        body: body === undefined ? undefined : JSON.stringify(body),
        redirect: 'error',
        signal: limit.signal
      })
      const answer = parse(await boundedText(response)) as { error?: { code?: string, message?: string } } | undefined
      if (response.ok) {
        return answer
      }
      const code = REFUSALS.find(refusal => refusal === answer?.error?.code)
      if (code !== undefined) {
        throw new NodeRefusedError(code, answer?.error?.message)
      }
      throw new NodeUnreachableError(this.url, `it answers with status ${response.status}`)
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof NodeRefusedError || error instanceof NodeUnreachableError) {
        throw error
      }
      throw new NodeUnreachableError(this.url, (error as Error).message, { cause: error })
    } finally {
      limit.clear()
    }
  }
}

async function boundedText (response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > MAX_ANSWER_BYTES) {
      throw new Error(`its answer is longer than ${MAX_ANSWER_BYTES} bytes`)
    }
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

function parse (text: string): unknown {
  return text === '' ? undefined : JSON.parse(text)
}
