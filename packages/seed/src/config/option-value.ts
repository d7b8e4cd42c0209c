/** Reads one option's value, from text (flags, environment) or from YAML, and writes it back. */
import { multiaddr } from '@multiformats/multiaddr'
import { parseSeedAddress } from '@skein/peer'
import { peerIdBytesOf } from '@skein/records'
import { ADMISSION_RULES, parsePolicy } from '../admission/admission-policy.ts'
import { LocalClock, WeeklySchedule } from '@skein/supernode'
import { parseNetwork } from '../node/trusted-networks.ts'
import { maskRedisAddress, parseRedisAddress, REDIS_ADDRESS_EXPECTED, REDIS_PREFIX, RedisAddressError } from '../redis/redis-address.ts'
import { formatBytes, formatRate, formatShare, parseBytes, parseRate, parseShare } from './quantity.ts'
import { formatSchedule, parseSchedule } from './schedule-text.ts'
import { isList, NONE, optionIn, SEED_TABLE } from './option-table.ts'
import { ConfigError } from './config-error.ts'
import type { Endpoint, OptionTable, SeedOption } from './option-table.ts'
import type { ScheduleWindow } from '@skein/supernode'
import type { ValueSource } from './config-error.ts'

export const MASK = '********'
/** Where a port alone is opened. */
export const ALL_INTERFACES = '0.0.0.0'
const MAX_LIST = 64
/** That of the machine. */
export const LOCAL_ZONE = 'local'
/** What a relay needs at least, bytes/s. */
const MIN_RATE = 16_384
const MAX_TEXT = 4_096

/** Wrong in itself; turned into a `ConfigError` that says where. */
class WrongValue {
  readonly expected: string
  readonly cause: unknown

  constructor (expected: string, cause?: unknown) {
    this.expected = expected
    this.cause = cause
  }
}

/**
 * The value of an option as it was given: text or texts from flags and environment, anything from a file.
 *
 * @throws {ConfigError}
 */
export function readValue (name: string, given: unknown, source: ValueSource, table: OptionTable = SEED_TABLE): unknown {
  const option = optionIn(table, name)
  try {
    return read(option, source.from === 'file' ? given : fromText(option, given))
  } catch (error) {
    if (!(error instanceof WrongValue)) {
      throw error
    }
    throw new ConfigError(name, shown(option, given), error.expected, source, { cause: error.cause })
  }
}

/** What of a wrong value may be seen. */
function shown (option: SeedOption, given: unknown): unknown {
  return option.type === 'secret' ? MASK : option.type === 'redis' ? maskRedisAddress(String(given)) : given
}

/** What a person may give, for messages, help and documentation. */
export function expectation (option: SeedOption): string {
  switch (option.type) {
    case 'addresses': return 'multiaddrs such as /ip4/192.0.2.1/tcp/7310'
    case 'seeds': return 'multiaddrs such as /ip4/192.0.2.1/tcp/7310/p2p/12D3Koo…, /dnsaddr/seeds.example.org, or srv:seeds.example.org'
    case 'networks': return `networks such as 192.0.2.0/24 or 2001:db8::/32, or ${NONE}`
    case 'endpoint': return 'a port or host:port, such as 8080 or 127.0.0.1:8080'
    case 'text': return `a text of at most ${option.maxLength} characters`
    case 'secret': return `a text of at least ${option.minLength} visible ASCII characters`
    case 'redis': return REDIS_ADDRESS_EXPECTED
    case 'prefix': return '1 to 64 letters, digits and - _ . :'
    case 'folder': return 'the path of a folder'
    case 'file': return `the path of a file, or ${NONE}`
    case 'peers': return `peer ids such as 12D3Koo…, or ${NONE}`
    case 'policy': return `rules (${ADMISSION_RULES.join(', ')}) joined by "and" or "or", such as token or (puzzle and stake); or ${NONE}`
    case 'limit': return `a whole number from ${option.min} to ${option.max} (${option.unit}), or ${NONE}`
    case 'bytes': return `an amount such as 10GB, 500 MB or 1GiB, or ${NONE}`
    case 'rate': return `a rate such as 20Mbit, 20 Mbit/s or 2.5 MB/s, of 128 kbit/s at least, or ${NONE}`
    case 'share': return `a share such as 50% or 0.5, above 0 and up to 1, or ${NONE}`
    case 'schedule': return 'windows of the week such as "Mon-Fri 20:00-06:00; Sat,Sun 00:00-24:00"'
    case 'zone': return `a time zone such as Europe/Berlin or UTC, or ${LOCAL_ZONE} for that of this machine`
    case 'switch': return 'true or false'
    case 'number': return `a whole number from ${option.min} to ${option.max} (${option.unit})`
    case 'choice': return `one of ${option.choices.join(', ')}`
    case 'choices': return `some of ${option.choices.join(', ')}`
  }
}

/** As it is written in a file; a secret is masked, and the password in the address of Redis. */
export function writeValue (option: SeedOption, value: unknown): unknown {
  if (value === undefined) {
    return isLimit(option) ? NONE : null
  }
  if (option.type === 'secret') {
    return MASK
  }
  if (option.type === 'redis') {
    return maskRedisAddress(value as string)
  }
  switch (option.type) {
    case 'endpoint': return writeEndpoint(value as Endpoint)
    case 'bytes': return formatBytes(value as number)
    case 'rate': return formatRate(value as number)
    case 'share': return formatShare(value as number)
    case 'schedule': return formatSchedule(value as ScheduleWindow[])
    default: return value
  }
}

/** It can be `none`. */
function isLimit ({ type }: SeedOption): boolean {
  return type === 'bytes' || type === 'rate' || type === 'share'
}

/** Flags and environment know only text: split lists, read numbers and switches. */
function fromText (option: SeedOption, given: unknown): unknown {
  if (isList(option)) {
    const texts = Array.isArray(given) ? given as string[] : [given as string]
    return texts.flatMap(text => text.split(',')).map(text => text.trim()).filter(text => text !== '')
  }
  if (typeof given !== 'string') {
    return given
  }
  const text = given.trim()
  if (option.type === 'switch') {
    return SWITCH_WORDS.get(text.toLowerCase()) ?? text
  }
  if (option.type === 'number' || option.type === 'limit') {
    return /^\d{1,15}$/.test(text) ? Number(text) : text
  }
  return text
}

const SWITCH_WORDS = new Map([
  ...['true', '1', 'yes', 'on'].map(word => [word, true] as const),
  ...['false', '0', 'no', 'off'].map(word => [word, false] as const)
])

function read (option: SeedOption, value: unknown): unknown {
  switch (option.type) {
    case 'addresses': return texts(option, value).map(text => address(option, text))
    case 'seeds': return texts(option, value).map(text => seedAddress(option, text))
    case 'networks': return networks(option, value)
    case 'endpoint': return readEndpoint(option, value)
    case 'bytes': return quantity(option, value, parseBytes)
    case 'rate': return quantity(option, value, parseRate, MIN_RATE)
    case 'share': return quantity(option, value, parseShare)
    case 'schedule': return readSchedule(option, value)
    case 'zone': return readZone(option, value)
    case 'choices': return choices(option, texts(option, value))
    case 'switch': return check(option, typeof value === 'boolean', value)
    case 'choice': return check(option, option.choices.includes(value as string), value)
    case 'number': return whole(option, value)
    case 'text': return check(option, isText(value, 0, option.maxLength) && !/\p{Cc}/u.test(value), value)
    case 'redis': return readRedis(value)
    case 'prefix': return check(option, typeof value === 'string' && REDIS_PREFIX.test(value), value)
    case 'file': return value === NONE ? undefined : check(option, isText(value, 1) && !value.includes('\0'), value)
    case 'peers': return peers(option, value)
    case 'policy': return policy(option, value)
    case 'limit': return value === NONE ? undefined : whole(option, value)
    case 'folder': return check(option, isText(value, 1) && !value.includes('\0'), value)
    case 'secret': return check(option, isText(value, option.minLength) && /^[!-~]*$/.test(value), value)
  }
}

function check (option: SeedOption, right: boolean, value: unknown): unknown {
  if (!right) {
    throw new WrongValue(expectation(option))
  }
  return value
}

function whole (option: SeedOption & { type: 'number' | 'limit' }, value: unknown): unknown {
  return check(option, Number.isSafeInteger(value) && (value as number) >= option.min && (value as number) <= option.max, value)
}

function policy (option: SeedOption, value: unknown): string | undefined {
  if (value === NONE) {
    return undefined
  }
  check(option, isText(value, 1), value)
  try {
    parsePolicy(value as string)
    return value as string
  } catch (error) {
    throw new WrongValue(`${expectation(option)} (${(error as Error).message})`, error)
  }
}

function isText (value: unknown, minLength: number, maxLength = MAX_TEXT): value is string {
  return typeof value === 'string' && value.length >= minLength && value.length <= maxLength
}

/** A list, or one text for a list of one. */
function texts (option: SeedOption, value: unknown): string[] {
  const list = typeof value === 'string' ? [value] : value
  if (!Array.isArray(list) || list.length > MAX_LIST || list.some(entry => typeof entry !== 'string' || entry.length > MAX_TEXT)) {
    throw new WrongValue(`a list of ${expectation(option)}, at most ${MAX_LIST}`)
  }
  return list as string[]
}

function address (option: SeedOption, text: string): string {
  try {
    multiaddr(text)
    return text
  } catch (error) {
    throw new WrongValue(expectation(option), error)
  }
}

function seedAddress (option: SeedOption, text: string): string {
  try {
    parseSeedAddress(text)
    return text
  } catch (error) {
    throw new WrongValue(expectation(option), error)
  }
}

function networks (option: SeedOption, value: unknown): string[] {
  const given = texts(option, value)
  if (given.length === 1 && given[0] === NONE) {
    return []
  }
  if (given.some(text => parseNetwork(text) === undefined)) {
    throw new WrongValue(expectation(option))
  }
  return given
}

function peers (option: SeedOption, value: unknown): string[] {
  const given = texts(option, value)
  if (given.length === 1 && given[0] === NONE) {
    return []
  }
  try {
    given.forEach(peer => peerIdBytesOf(peer))
    return given
  } catch (error) {
    throw new WrongValue(expectation(option), error)
  }
}

function choices (option: SeedOption & { type: 'choices' }, given: string[]): string[] {
  const unknown = given.find(choice => !option.choices.includes(choice))
  if (unknown != null || given.length === 0) {
    throw new WrongValue(expectation(option))
  }
  return option.choices.filter(choice => given.includes(choice))
}

function readRedis (value: unknown): string {
  try {
    parseRedisAddress(isText(value, 1) ? value : '')
    return value as string
  } catch (error) {
    throw new WrongValue(error instanceof RedisAddressError ? `${REDIS_ADDRESS_EXPECTED} (${error.problem})` : REDIS_ADDRESS_EXPECTED, error)
  }
}

/** A number in a file is bytes, bytes/s or a share. */
function quantity (option: SeedOption, value: unknown, parse: (text: string) => number | undefined, min = 0): number | undefined {
  if (value === NONE) {
    return undefined
  }
  const amount = typeof value === 'string' ? parse(value) : typeof value === 'number' ? value : undefined
  const most = option.type === 'share' ? 1 : Number.MAX_SAFE_INTEGER
  return check(option, amount !== undefined && amount >= min && amount <= most && !(option.type === 'share' && amount === 0), amount) as number
}

function readSchedule (option: SeedOption, value: unknown): ScheduleWindow[] {
  const windows = isText(value, 1, MAX_TEXT) ? parseSchedule(value) : undefined
  try {
    void new WeeklySchedule(windows ?? [], new LocalClock('UTC'))
  } catch (error) {
    throw new WrongValue(expectation(option), error)
  }
  return windows as ScheduleWindow[]
}

function readZone (option: SeedOption, value: unknown): string {
  const zone = isText(value, 1, 64) ? value : ''
  try {
    return zone === LOCAL_ZONE ? zone : new LocalClock(zone).timeZone
  } catch (error) {
    throw new WrongValue(expectation(option), error)
  }
}

function readEndpoint (option: SeedOption, value: unknown): Endpoint {
  const match = /^(?:(?:\[([\da-fA-F:.]+)\]|([^\s:[\]/]*)):)?(\d{1,5})$/.exec(String(value))
  const port = Number(match?.[3])
  if (match == null || (typeof value !== 'string' && typeof value !== 'number') || port > 65_535) {
    throw new WrongValue(expectation(option))
  }
  const alone = option.type === 'endpoint' ? option.host ?? ALL_INTERFACES : ALL_INTERFACES
  return { host: match[1] ?? (match[2] || alone), port }
}

function writeEndpoint ({ host, port }: Endpoint): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
