/** DNS over HTTPS (RFC 8484): how a browser looks up what it has no function for. Only the servers that are given are asked. */
import { NameServerError, SeedNameError } from '../seed-name-error.ts'
import type { Answer } from '@dnsquery/dns-packet'
import type { NameAnswer, NameResolver, SrvRecord } from '../name-resolver.ts'

/** A message of DNS is no longer (RFC 1035, §4.2.2). */
const MAX_MESSAGE_BYTES = 65_535

type RecordKind = 'TXT' | 'SRV'

/**
 * @param servers URLs such as `https://dns.example.org/dns-query`, asked in this order until one answers
 * @throws {NameServerError} when there are none, or one is no such URL
 */
export function browserNameResolver (servers: string[] = []): NameResolver {
  if (servers.length === 0) {
    throw new NameServerError(undefined, 'A browser cannot look up the names of seeds by itself: give dns.servers, ' +
      'URLs of DNS over HTTPS such as https://dns.example.org/dns-query, or multiaddrs of seeds')
  }
  const urls = servers.map(parseServer)
  return {
    txt: async (name, signal) => await askAll(urls, 'TXT', name, signal, readTxt),
    srv: async (name, signal) => await askAll(urls, 'SRV', name, signal, readSrv)
  }
}

function parseServer (server: string): URL {
  const url = URL.canParse(server) ? new URL(server) : undefined
  const isLoopback = url?.protocol === 'http:' && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)
  if (url === undefined || (url.protocol !== 'https:' && !isLoopback)) {
    throw new NameServerError(server, `"${server}" is no server of DNS over HTTPS: expected a URL such as https://dns.example.org/dns-query`)
  }
  return url
}

async function askAll<T> (
  urls: URL[], kind: RecordKind, name: string, signal: AbortSignal, read: (answer: Answer) => T | undefined
): Promise<NameAnswer<T>> {
  let failure: unknown
  for (const url of urls) {
    try {
      return await ask(url, kind, name, signal, read)
    } catch (error) {
      if (error instanceof SeedNameError && error.problem === 'not_found') {
        throw error
      }
      failure ??= error
      if (signal.aborted) {
        break
      }
    }
  }
  const [problem, words] = signal.aborted
    ? ['timeout' as const, 'no DNS server answered in time']
    : ['unavailable' as const, (failure as Error).message]
  throw new SeedNameError(problem, name, `The ${kind} records of ${name} could not be looked up: ${words}`, { cause: failure })
}

async function ask<T> (
  url: URL, kind: RecordKind, name: string, signal: AbortSignal, read: (answer: Answer) => T | undefined
): Promise<NameAnswer<T>> {
  // loaded when a name is looked up: most pages have the address of their seed
  const { decode, encode, RECURSION_DESIRED } = await import('@dnsquery/dns-packet')
  // id 0, so that caches of HTTP see the same question (RFC 8484, §4.1)
  const question = encode({ type: 'query', id: 0, flags: RECURSION_DESIRED, questions: [{ type: kind, name }] })
  const asking = new URL(url)
  asking.searchParams.set('dns', base64url(question))
  const response = await fetch(asking, { headers: { accept: 'application/dns-message' }, signal })
  if (!response.ok) {
    await response.body?.cancel()
    throw new Error(`${url.host} answered with HTTP status ${response.status}`)
  }
  const { rcode, answers = [] } = decode(await readBounded(response)) as ReturnType<typeof decode> & { rcode?: string }
  if (rcode !== 'NOERROR' && rcode !== 'NXDOMAIN') {
    throw new Error(`${url.host} answered with ${rcode}`)
  }
  const records = answers.map(read).filter(record => record !== undefined)
  if (records.length === 0) {
    throw new SeedNameError('not_found', name,
      `The ${kind} records of ${name} could not be looked up: ${rcode === 'NXDOMAIN' ? 'there is no such name' : 'the name has no such records'}`)
  }
  const ttls = answers.map(answer => 'ttl' in answer && typeof answer.ttl === 'number' ? answer.ttl : Infinity)
  const ttl = Math.min(...ttls)
  return { records, ttlMs: Number.isFinite(ttl) ? ttl * 1_000 : undefined }
}

function readTxt (answer: Answer): string | undefined {
  if (answer.type !== 'TXT') {
    return undefined
  }
  const pieces = (Array.isArray(answer.data) ? answer.data : [answer.data]) as Array<Uint8Array | string>
  return pieces.map(piece => typeof piece === 'string' ? piece : new TextDecoder().decode(piece)).join('')
}

function readSrv (answer: Answer): SrvRecord | undefined {
  if (answer.type !== 'SRV') {
    return undefined
  }
  const { target, port = 0, priority = 0, weight = 0 } = answer.data
  return { target, port, priority, weight }
}

async function readBounded (response: Response): Promise<Uint8Array> {
  const bytes = new Uint8Array(MAX_MESSAGE_BYTES)
  let length = 0
  for (const reader = response.body?.getReader(); reader !== undefined;) {
    const { done, value } = await reader.read()
    if (done) {
      break
    }
    if (length + value.length > bytes.length) {
      await reader.cancel()
      throw new Error('the answer is too long for DNS')
    }
    bytes.set(value, length)
    length += value.length
  }
  return bytes.subarray(0, length)
}

function base64url (bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
