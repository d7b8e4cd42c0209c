/** The options of `skein supernode`: flags, environment names, file keys, checks, help and documentation are made of them. */
import { LOOPBACK_NETWORKS } from '../node/trusted-networks.ts'
import type { ConfigOf, OptionTable, SeedOption } from './option-table.ts'

export const SUPER_NODE_OPTIONS = {
  perDay: {
    type: 'bytes',
    default: 10e9,
    help: 'bytes that pass this machine\'s line for the mesh in a day, in and out together; a relayed byte comes in and goes out'
  },
  perMonth: {
    type: 'bytes',
    default: 200e9,
    help: 'the same in a calendar month'
  },
  bandwidth: {
    type: 'rate',
    // an election asks for 2 MB/s measured; a line that gives just that would fall below it now and then
    default: 5e6,
    help: 'what circuits may take of the line at any time, in and out together; and what it claims to give'
  },
  cpu: {
    type: 'share',
    default: 0.5,
    help: 'share of all processors above which nobody new is taken'
  },
  schedule: {
    type: 'schedule',
    default: undefined,
    help: 'when it gives that; without it at all times'
  },
  timeZone: {
    type: 'zone',
    default: 'local',
    help: 'whose days, months and hours these are'
  },
  region: {
    type: 'text',
    default: '',
    maxLength: 32,
    help: 'short name of the region, eu-west; super-nodes are elected by region'
  },
  seeds: {
    type: 'seeds',
    default: [],
    flag: 'seed',
    help: 'seed or peer to join through, or a name of several'
  },
  listen: {
    type: 'addresses',
    default: ['/ip4/0.0.0.0/tcp/7312'],
    help: 'multiaddr to listen on; others must be able to reach it'
  },
  announce: {
    type: 'addresses',
    default: [],
    help: 'multiaddr to tell others instead of those of the interfaces, for a forwarded port'
  },
  portMapping: {
    type: 'choice',
    default: 'on',
    choices: ['on', 'off'],
    help: 'whether the router before this machine, where there is one, is asked to let others in (PCP, NAT-PMP, UPnP)'
  },
  stunPort: {
    type: 'endpoint',
    default: undefined,
    help: 'UDP port, or host:port, at which peers are told their own address (STUN); 3478 is the usual one'
  },
  media: {
    type: 'switch',
    default: false,
    help: 'take streams of encoders in, over one link or several (SRTLA), for peers of the mesh; this machine sees them, unlike what it relays'
  },
  mediaHost: {
    type: 'text',
    default: '0.0.0.0',
    maxLength: 45,
    help: 'with media: IP address of its UDP ports'
  },
  mediaSrtlaPort: {
    type: 'number',
    default: 5_000,
    min: 0,
    max: 65_535,
    unit: 'UDP port',
    help: 'with media: for encoders that come over several links; 0 takes any free port, here and below'
  },
  mediaPublisherPort: {
    type: 'number',
    default: 4_001,
    min: 0,
    max: 65_535,
    unit: 'UDP port',
    help: 'with media: for encoders that come by SRT'
  },
  mediaPlayerPort: {
    type: 'number',
    default: 4_000,
    min: 0,
    max: 65_535,
    unit: 'UDP port',
    help: 'with media: for players that come by SRT'
  },
  mediaApiPort: {
    type: 'number',
    default: 3_000,
    min: 0,
    max: 65_535,
    unit: 'TCP port',
    help: 'with media: of /api/stream-ids, for streams of the owner\'s own; this machine only, as those below'
  },
  mediaStatsPort: {
    type: 'number',
    default: 8_090,
    min: 0,
    max: 65_535,
    unit: 'TCP port',
    help: 'with media: of /stats/PLAYER and /metrics'
  },
  mediaLinkStatsPort: {
    type: 'number',
    default: 5_080,
    min: 0,
    max: 65_535,
    unit: 'TCP port',
    help: 'with media: of /stats of each link'
  },
  mediaStreams: {
    type: 'number',
    default: 32,
    min: 0,
    max: 10_000,
    unit: 'streams',
    help: 'with media: streams that are taken in for peers that ask for it, at once'
  },
  asnFile: {
    type: 'file',
    default: undefined,
    help: 'table of autonomous systems (.mmdb) by which this machine judges which peers are independent of each other'
  },
  reservations: {
    type: 'number',
    default: 256,
    min: 1,
    max: 10_000,
    unit: 'peers',
    help: 'peers that are reached through this machine at once, and circuits at once; an eighth of it before it is elected'
  },
  maxConnections: {
    type: 'number',
    default: 1_000,
    min: 16,
    max: 100_000,
    unit: 'connections',
    help: 'most libp2p connections at once'
  },
  data: {
    type: 'folder',
    default: '~/.skein/supernode',
    alsoEnvironment: 'SKEIN_DATA',
    help: 'folder for the identity, the address book, what was carried, and the key with which status and drain are asked for'
  },
  metrics: {
    type: 'endpoint',
    default: undefined,
    host: '127.0.0.1',
    help: 'port, or host:port, of /metrics, /health and /ready; a port alone is opened on this machine only'
  },
  trustedNetworks: {
    type: 'networks',
    default: LOOPBACK_NETWORKS,
    flag: 'trusted-network',
    help: 'network whose connections are not limited by address'
  },
  drain: {
    type: 'number',
    default: 60,
    min: 0,
    max: 3_600,
    unit: 'seconds',
    help: 'how long circuits may run on when it is told to stop'
  }
} as const satisfies Record<string, SeedOption>

/** The configuration of a super-node, complete. */
export type SuperNodeConfig = ConfigOf<typeof SUPER_NODE_OPTIONS>

export const SUPER_NODE_TABLE: OptionTable<typeof SUPER_NODE_OPTIONS> = {
  options: SUPER_NODE_OPTIONS,
  environmentPrefix: 'SKEIN_SUPERNODE_'
}
