/** Where Redis is: one server as a URL, or the nodes of a cluster as a list of them; read, written back without its password, and refused. */

export interface RedisNode {
  host: string
  port: number
}

export interface RedisAddress {
  /** One: that server. Several: nodes of one cluster, from which the others are learned */
  nodes: RedisNode[]
  username?: string
  password?: string
  /** A cluster has only database 0 */
  database: number
  tls: boolean
}

/** Where Redis is cannot be read. The message does not hold what was given: there may be a password in it. */
export class RedisAddressError extends Error {
  static override name = 'RedisAddressError'
  override readonly name = 'RedisAddressError'
  readonly problem: string

  constructor (problem: string, options: ErrorOptions = {}) {
    super(`Not an address of Redis: ${problem}; expected ${REDIS_ADDRESS_EXPECTED}`, options)
    this.problem = problem
  }
}

export const REDIS_ADDRESS_EXPECTED = 'redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], rediss://… with TLS, or nodes of a cluster separated by commas'

/** What keys may begin with: no braces, which would put all of them on one node of a cluster. */
export const REDIS_PREFIX = /^[A-Za-z0-9_.:-]{1,64}$/

const MASK = '********'
const DEFAULT_PORT = 6379
const MAX_NODES = 16
const MAX_DATABASE = 1023

/** @throws {RedisAddressError} */
export function parseRedisAddress (text: string): RedisAddress {
  const urls = partsOf(text).map(urlOf)
  const [first] = urls
  if (first === undefined || urls.length > MAX_NODES) {
    throw new RedisAddressError(first === undefined ? 'it is empty' : `more than ${MAX_NODES} nodes`)
  }
  const database = databaseOf(first)
  for (const other of urls.slice(1)) {
    if (other.protocol !== first.protocol) {
      throw new RedisAddressError('some nodes with TLS, some without')
    }
    if ((other.username !== '' || other.password !== '') && (other.username !== first.username || other.password !== first.password)) {
      throw new RedisAddressError('nodes with different users or passwords')
    }
  }
  if (urls.length > 1 && urls.some(url => databaseOf(url) !== 0)) {
    throw new RedisAddressError('a database other than 0 in a cluster')
  }
  return {
    nodes: urls.map(url => ({ host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: url.port === '' ? DEFAULT_PORT : Number(url.port) })),
    username: first.username === '' ? undefined : decode(first.username),
    password: first.password === '' ? undefined : decode(first.password),
    database,
    tls: first.protocol === 'rediss:'
  }
}

/** As it was given, every password as asterisks; one that cannot be read is shown when it is no more than a host and a port. */
export function maskRedisAddress (text: string): string {
  let urls: URL[]
  try {
    urls = partsOf(text).map(urlOf)
  } catch {
    return /^[\w.-]*(:\d{1,5})?$/.test(text) ? text : MASK
  }
  return urls.map(url => {
    const user = url.password === '' ? url.username : `${url.username}:${MASK}`
    return `${url.protocol}//${user === '' ? '' : `${user}@`}${url.host}${url.pathname === '/' ? '' : url.pathname}`
  }).join(',')
}

/** Nodes after the first may leave out the scheme. */
function partsOf (text: string): string[] {
  const parts = text.split(',').map(part => part.trim()).filter(part => part !== '')
  const scheme = /^rediss?:\/\//.exec(parts[0] ?? '')?.[0] ?? ''
  return parts.map(part => /^\w+:\/\//.test(part) ? part : `${scheme}${part}`)
}

function urlOf (part: string): URL {
  let url: URL
  try {
    url = new URL(part)
    decode(url.username)
    decode(url.password)
  } catch {
    throw new RedisAddressError('it is no URL')
  }
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') {
    throw new RedisAddressError('it does not begin with redis:// or rediss://')
  }
  if (url.hostname === '' || url.port === '0') {
    throw new RedisAddressError(url.hostname === '' ? 'it names no host' : 'its port is 0')
  }
  if (url.search !== '' || url.hash !== '') {
    throw new RedisAddressError('it has something after ? or #; in a password write %3F or %23')
  }
  if (url.password === MASK) {
    throw new RedisAddressError('its password is masked')
  }
  databaseOf(url)
  return url
}

function databaseOf (url: URL): number {
  const match = /^(?:\/(\d{1,4})?)?$/.exec(url.pathname)
  const database = Number(match?.[1] ?? 0)
  if (match == null || database > MAX_DATABASE) {
    throw new RedisAddressError(`what follows the port is no number of a database, 0 to ${MAX_DATABASE}`)
  }
  return database
}

function decode (text: string): string {
  return decodeURIComponent(text)
}
