/**
 * The options of `skein seed`, and of what else takes its configuration so: one table from which flags, environment names, file keys, checks, help
 * and documentation are made.
 */
import { MAX_PUZZLE_BITS } from '@skein/records/puzzle'
import { LOOPBACK_NETWORKS } from '../node/trusted-networks.ts'
import { SEED_ROLES } from '../roles.ts'
import type { ScheduleWindow } from '@skein/supernode'

interface Described {
  /** One line, for a person */
  help: string
  /** Without its dashes, where it differs from the key */
  flag?: string
  /** A second environment variable, looked at when the option's own is not set */
  alsoEnvironment?: string
}

export type SeedOption = Described & (
  | { type: 'addresses', default: readonly string[] }
  | { type: 'seeds', default: readonly string[] }
  | { type: 'networks', default: readonly string[] }
  | { type: 'endpoint', default: undefined, host?: string }
  | { type: 'text', default: string, maxLength: number }
  | { type: 'secret', default: undefined, minLength: number }
  | { type: 'redis', default: undefined }
  | { type: 'prefix', default: string }
  | { type: 'folder', default: string }
  | { type: 'file', default: undefined }
  | { type: 'peers', default: readonly string[] }
  | { type: 'policy', default: undefined }
  | { type: 'limit', default: undefined, min: number, max: number, unit: string }
  | { type: 'bytes', default: number | undefined }
  | { type: 'rate', default: number | undefined }
  | { type: 'share', default: number | undefined }
  | { type: 'schedule', default: undefined }
  | { type: 'zone', default: string }
  | { type: 'switch', default: boolean }
  | { type: 'number', default: number, min: number, max: number, unit: string }
  | { type: 'choice', default: string, choices: readonly string[] }
  | { type: 'choices', default: readonly string[], choices: readonly string[] })

/** A list without entries, or a limit that there is not, as text; an empty one says "not set" there. */
export const NONE = 'none'

/** Where an HTTP server listens; port 0 takes any free one. */
export interface Endpoint {
  host: string
  port: number
}

/** The options of one command. */
export interface OptionTable<O extends Record<string, SeedOption> = Record<string, SeedOption>> {
  options: O
  /** What the environment variables begin with, `SKEIN_SEED_` */
  environmentPrefix: string
  /** Variables that begin so and are of others */
  foreign?: RegExp
}

export const SEED_OPTIONS = {
  listen: {
    type: 'addresses',
    default: ['/ip4/0.0.0.0/tcp/7310'],
    help: 'multiaddr to listen on'
  },
  http: {
    type: 'endpoint',
    default: undefined,
    help: 'port, or host:port, of /metrics, /health and /ready; a port alone is opened on all IPv4 interfaces'
  },
  metricsToken: {
    type: 'secret',
    default: undefined,
    minLength: 16,
    help: 'what a reader of /metrics must send as "Authorization: Bearer TOKEN"; without it everyone who reaches the port reads them'
  },
  announce: {
    type: 'addresses',
    default: [],
    help: 'multiaddr to tell others instead of those of the interfaces, for a forwarded port'
  },
  seeds: {
    type: 'seeds',
    default: [],
    flag: 'seed',
    help: 'another seed to join through, or a name of several; its own address among them is left out'
  },
  region: {
    type: 'text',
    default: '',
    maxLength: 64,
    help: 'short name of the region, eu-west'
  },
  data: {
    type: 'folder',
    default: '~/.skein/seed',
    alsoEnvironment: 'SKEIN_DATA',
    help: 'folder for the identity, the address book and what the relay has carried this month'
  },
  ephemeral: {
    type: 'switch',
    default: false,
    help: 'keep nothing on disk: a new identity each time'
  },
  roles: {
    type: 'choices',
    default: SEED_ROLES,
    choices: SEED_ROLES,
    help: 'what this seed does for peers, at least one'
  },
  relayCircuitMib: {
    type: 'number',
    default: 16,
    min: 1,
    max: 1_048_576,
    unit: 'MiB',
    help: 'bytes that one relayed circuit carries, both directions together'
  },
  relayCircuitMinutes: {
    type: 'number',
    default: 10,
    min: 1,
    max: 1_440,
    unit: 'minutes',
    help: 'how long one relayed circuit lasts'
  },
  relayCircuitsPerPeer: {
    type: 'number',
    default: 16,
    min: 1,
    max: 64,
    unit: 'circuits',
    help: 'relayed circuits of one peer at once, whichever end it is'
  },
  relayReservations: {
    type: 'number',
    default: 1_000,
    min: 1,
    max: 100_000,
    unit: 'peers',
    help: 'peers that are reached through this seed at once, and circuits at once'
  },
  relayPeerDayMib: {
    type: 'number',
    default: 512,
    min: 1,
    max: 1_048_576,
    unit: 'MiB',
    help: 'bytes of the relayed circuits of one peer in a day (UTC)'
  },
  relayMonthGb: {
    type: 'number',
    default: 100,
    min: 1,
    max: 1_000_000,
    unit: 'GB',
    help: 'bytes of all relayed circuits in a calendar month (UTC), each counted once; then this seed relays no more until the next'
  },
  stage: {
    type: 'choice',
    default: 'auto',
    choices: ['auto', 'hub', 'regional', 'split', 'bootstrap'],
    help: 'where on the ladder the network is; auto follows its estimated size'
  },
  stun: {
    type: 'endpoint',
    default: undefined,
    help: 'UDP port, or host:port, at which peers are told how their router maps them (STUN); 3478 is the usual one'
  },
  stunAlternate: {
    type: 'endpoint',
    default: undefined,
    help: 'second UDP port, or second address of this machine and port, with which peers find out how their router filters; needs a host in --stun'
  },
  dialBack: {
    type: 'switch',
    default: true,
    help: 'dial peers back that ask whether they can be reached (with the role bootstrap)'
  },
  maxRegistrations: {
    type: 'number',
    default: 100_000,
    min: 1,
    max: 10_000_000,
    unit: 'registrations',
    help: 'most registrations kept, with redis by the whole fleet; a newcomer beyond it is refused, those who are here renew'
  },
  maxConnections: {
    type: 'number',
    default: 4_000,
    min: 1,
    max: 100_000,
    unit: 'connections',
    help: 'most libp2p connections at once'
  },
  registrationsPerNetwork: {
    type: 'number',
    default: 512,
    min: 1,
    max: 10_000_000,
    unit: 'registrations',
    help: 'most registrations from one /24 (IPv6: /48), with redis of the whole fleet'
  },
  registrationsPerWideNetwork: {
    type: 'limit',
    default: undefined,
    min: 1,
    max: 10_000_000,
    unit: 'registrations',
    help: 'most registrations from one public /16 (IPv6: /32), at this seed'
  },
  asnFile: {
    type: 'file',
    default: undefined,
    help: 'table of autonomous systems (.mmdb), read again when it changes; without it networks are told apart by their addresses'
  },
  registrationsPerSystem: {
    type: 'limit',
    default: undefined,
    min: 1,
    max: 10_000_000,
    unit: 'registrations',
    help: 'most registrations from one autonomous system, at this seed; needs --asn-file'
  },
  reservationsPerNetwork: {
    type: 'limit',
    default: undefined,
    min: 1,
    max: 100_000,
    unit: 'peers',
    help: 'most peers of one public /24 (IPv6: /48) that are reached through this seed'
  },
  reservationsPerWideNetwork: {
    type: 'limit',
    default: undefined,
    min: 1,
    max: 100_000,
    unit: 'peers',
    help: 'most peers of one public /16 (IPv6: /32) that are reached through this seed'
  },
  reservationsPerSystem: {
    type: 'limit',
    default: undefined,
    min: 1,
    max: 100_000,
    unit: 'peers',
    help: 'most peers of one autonomous system that are reached through this seed; needs --asn-file'
  },
  admission: {
    type: 'policy',
    default: undefined,
    help: 'what a peer must show to be let in; without it everybody is'
  },
  admissionHelp: {
    type: 'text',
    default: '',
    maxLength: 200,
    help: 'where a peer that is refused gets what it lacks, told to its user: a URL or an address'
  },
  puzzleBits: {
    type: 'number',
    default: 1,
    min: 0,
    max: MAX_PUZZLE_BITS,
    unit: 'doublings',
    help: 'work of the puzzle; 1 takes an ordinary machine about a second, each more twice as long'
  },
  tokenAuthorities: {
    type: 'peers',
    default: [],
    flag: 'token-authority',
    help: 'whose credentials let peers in, as skein credential key prints it'
  },
  tokenRevocations: {
    type: 'file',
    default: undefined,
    help: 'ids of revoked credentials, one a line; read again within 2 s of a change'
  },
  certificateAuthorities: {
    type: 'file',
    default: undefined,
    help: 'certificates (PEM) of the authorities whose X.509 certificates let peers in; read again within 2 s of a change'
  },
  certificateRevocations: {
    type: 'file',
    default: undefined,
    help: 'X.509 revocation lists (PEM or DER) of these authorities; read again within 2 s of a change'
  },
  stakeLedger: {
    type: 'file',
    default: undefined,
    help: 'signed ledger of what is staked for peers, as skein stake writes it; read again within 2 s of a change'
  },
  stakeAuthority: {
    type: 'peers',
    default: [],
    help: 'who signs the ledger of stakes: one, as skein credential key prints it'
  },
  minStake: {
    type: 'limit',
    default: undefined,
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    unit: 'units',
    help: 'least stake of a peer'
  },
  stakeUnit: {
    type: 'text',
    default: '',
    maxLength: 16,
    help: 'unit of stakes that count: EUR, sats'
  },
  credential: {
    type: 'file',
    default: undefined,
    help: 'token or certificate that this seed shows to other seeds that ask for one'
  },
  redis: {
    type: 'redis',
    default: undefined,
    help: 'Redis that the seeds of a fleet share; while it is away each goes on from its memory'
  },
  redisPrefix: {
    type: 'prefix',
    default: 'skein',
    help: 'what the keys in Redis begin with: the same for the seeds of one fleet, another for another'
  },
  trustedNetworks: {
    type: 'networks',
    default: LOOPBACK_NETWORKS,
    flag: 'trusted-network',
    help: 'network whose connections are not limited by address: yours, a TCP proxy before the seed'
  },
  logLevel: {
    type: 'choice',
    default: 'info',
    choices: ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'],
    help: 'what is logged, as JSON lines on standard error'
  },
  drain: {
    type: 'number',
    default: 10,
    min: 0,
    // the end after it may take 5 s: 30 s in all
    max: 25,
    unit: 'seconds',
    help: 'how long clients are given to move when the seed is told to stop; the end after it takes 5 at most'
  }
} as const satisfies Record<string, SeedOption>

export type OptionName = keyof typeof SEED_OPTIONS

export const OPTION_NAMES = Object.keys(SEED_OPTIONS) as OptionName[]

type ValueOf<O extends SeedOption> =
  O extends { type: 'addresses' | 'seeds' | 'networks' | 'peers' } ? string[]
    : O extends { type: 'endpoint' } ? Endpoint | undefined
      : O extends { type: 'secret' | 'redis' | 'file' | 'policy' } ? string | undefined
        : O extends { type: 'bytes' | 'rate' | 'share' | 'limit' } ? number | undefined
          : O extends { type: 'schedule' } ? ScheduleWindow[] | undefined
            : O extends { type: 'switch' } ? boolean
              : O extends { type: 'number' } ? number
                : O extends { type: 'choice', choices: ReadonlyArray<infer C> } ? C
                  : O extends { type: 'choices', choices: ReadonlyArray<infer C> } ? C[]
                    : string

/** The values of all options of a table. */
export type ConfigOf<O extends Record<string, SeedOption>> = { [K in keyof O]: ValueOf<O[K]> }

/** The configuration of a seed, complete. */
export type SeedConfig = ConfigOf<typeof SEED_OPTIONS>

export const SEED_TABLE: OptionTable<typeof SEED_OPTIONS> = {
  options: SEED_OPTIONS,
  environmentPrefix: 'SKEIN_SEED_',
  // what Kubernetes sets for services that are called `skein-seed` and `skein-seed-redis`
  foreign: /^SKEIN_SEED_(?:REDIS_)?(SERVICE_(HOST|PORT)(_.*)?|PORT(_.*)?)$/
}

export function optionIn (table: OptionTable, name: string): SeedOption {
  return table.options[name] as SeedOption
}

/** `maxConnections` → `max-connections` */
export function flagIn (table: OptionTable, name: string): string {
  return optionIn(table, name).flag ?? name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}

/** `maxConnections` → `SKEIN_SEED_MAX_CONNECTIONS` */
export function variableIn (table: OptionTable, name: string): string {
  return `${table.environmentPrefix}${name.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()}`
}

/** Of a seed. */
export function optionOf (name: OptionName): SeedOption {
  return optionIn(SEED_TABLE, name)
}

export function flagOf (name: OptionName): string {
  return flagIn(SEED_TABLE, name)
}

export function environmentOf (name: OptionName): string {
  return variableIn(SEED_TABLE, name)
}

/** Names the configuration file; not an option of the table, for a file cannot name itself. */
export function configVariableOf (table: OptionTable): string {
  return `${table.environmentPrefix}CONFIG`
}

export const CONFIG_VARIABLE = configVariableOf(SEED_TABLE)

const LISTS: ReadonlyArray<SeedOption['type']> = ['addresses', 'seeds', 'networks', 'peers', 'choices']

/** Whether the option may be given several times, or as a list. */
export function isList (option: SeedOption): boolean {
  return LISTS.includes(option.type)
}
