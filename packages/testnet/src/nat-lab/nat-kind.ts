/** The kinds of NAT of the laboratory, and the rules of nftables that make them. */

/**
 * - `public`: no NAT
 * - `full-cone`: one mapping, everybody is let in to it
 * - `restricted`: one mapping, addresses that it sent to are let in
 * - `port-restricted`: one mapping, addresses and ports that were sent to are let in: Linux's masquerading, and most home routers
 * - `symmetric-random`: a mapping for each destination, any port
 * - `symmetric-sequential`: a mapping for each destination, the next port
 * - `cgnat`: a home router behind a carrier's NAT (RFC 6598), both port-restricted
 * - `udp-blocked`: port-restricted, TCP alone
 * - `web-only`: port-restricted, TCP to ports 80 and 443 alone
 * - `ipv6`: symmetric-random for IPv4, and a public IPv6 address
 */
export const NAT_KINDS = [
  'public', 'full-cone', 'restricted', 'port-restricted', 'symmetric-random', 'symmetric-sequential', 'cgnat', 'udp-blocked', 'web-only', 'ipv6'
] as const
export type NatKind = typeof NAT_KINDS[number]

export interface NatRules {
  kind: NatKind
  /** The router's interfaces to the host's side and to the world, and its address in the world */
  inside: string
  outside: string
  address: string
  /** The one host behind it */
  host: string
}

/** Ports that a sequential NAT goes through, as many as a test needs. */
const SEQUENTIAL_PORTS = { first: 20_000, count: 4_000 }
/** So long is a mapping remembered through which nothing goes, as conntrack does for UDP. */
const REMEMBERED_S = 120

/** What was sent is remembered, for kinds that let in more than conntrack does. Ports are kept: the host's is that of the mapping. */
interface Memory {
  type: string
  sent: string
  /** What is let in */
  came: string
}

/** A router that is switched off and on forgets it. */
export const FORGET = 'flush set ip nat remembered'

export function hasMemory (kind: NatKind): boolean {
  return memoryOf(kind) !== undefined
}

function memoryOf (kind: NatKind): Memory | undefined {
  switch (kind) {
    case 'full-cone':
      return { type: 'inet_proto . inet_service', sent: 'meta l4proto . th sport', came: 'meta l4proto . th dport' }
    case 'restricted':
      return {
        type: 'ipv4_addr . inet_proto . inet_service',
        sent: 'ip daddr . meta l4proto . th sport',
        came: 'ip saddr . meta l4proto . th dport'
      }
    default:
      return undefined
  }
}

/** A ruleset for `nft -f -`. Routers drop what they do not let in, as home routers do, and send no resets. */
export function natRules ({ kind, inside, outside, address, host }: NatRules): string {
  const memory = memoryOf(kind)
  return `
table ip nat {
  ${memory === undefined ? '' : remembering(memory, inside)}
  chain prerouting {
    type nat hook prerouting priority dstnat;
    ${memory === undefined ? '' : `iifname "${outside}" meta l4proto { tcp, udp } ${memory.came} @remembered dnat to ${host}`}
  }
  chain postrouting {
    type nat hook postrouting priority srcnat;
    oifname "${outside}" ${mapping(kind, address)}
  }
}
table ip filter {
  chain input {
    type filter hook input priority filter; policy drop;
    iifname { "${inside}", "lo" } accept
    ct state established,related accept
    ip protocol icmp accept
  }
  chain forward {
    type filter hook forward priority filter; policy drop;
    ${kind === 'udp-blocked' ? `iifname "${inside}" meta l4proto udp drop` : ''}
    ${kind === 'web-only' ? `iifname "${inside}" meta l4proto != tcp drop` : ''}
    ${kind === 'web-only' ? `iifname "${inside}" tcp dport != { 80, 443 } drop` : ''}
    iifname "${inside}" accept
    ct state established,related accept
    ct status dnat accept
  }
}
`
}

function remembering ({ type, sent }: Memory, inside: string): string {
  return `
  set remembered { type ${type}; flags dynamic,timeout; timeout ${REMEMBERED_S}s; }
  chain remember {
    type filter hook prerouting priority mangle;
    iifname "${inside}" meta l4proto { tcp, udp } update @remembered { ${sent} }
  }`
}

function mapping (kind: NatKind, address: string): string {
  switch (kind) {
    case 'symmetric-random':
    case 'ipv6':
      return 'masquerade random,fully-random'
    case 'symmetric-sequential': {
      const { first, count } = SEQUENTIAL_PORTS
      const ports = Array.from({ length: count }, (_, i) => `${i} : ${first + i}`).join(', ')
      return `meta l4proto { tcp, udp } snat to ${address} : numgen inc mod ${count} map { ${ports} }`
    }
    default:
      return `snat to ${address}`
  }
}
