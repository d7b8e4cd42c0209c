/** The kinds of NAT of the laboratory, and the rules of nftables that make them. */

/**
 * - `public`: no NAT
 * - `full-cone`: one mapping, everybody is let in
 * - `restricted`: one mapping, addresses that were sent to are let in
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
/** Ports that everybody is let in to: above those of the router itself. */
const MAPPED_PORTS = '1024-65535'

/** A ruleset for `nft -f -`. Routers drop what they do not let in, as home routers do, and send no resets. */
export function natRules ({ kind, inside, outside, address, host }: NatRules): string {
  const isOpen = kind === 'full-cone' || kind === 'restricted'
  return `
table ip nat {
  ${kind === 'restricted' ? 'set sent { type ipv4_addr; flags dynamic,timeout; timeout 120s; }' : ''}
  chain prerouting {
    type nat hook prerouting priority dstnat;
    ${kind === 'full-cone' ? `iifname "${outside}" meta l4proto { tcp, udp } th dport ${MAPPED_PORTS} dnat to ${host}` : ''}
    ${kind === 'restricted' ? `iifname "${outside}" ip saddr @sent meta l4proto { tcp, udp } th dport ${MAPPED_PORTS} dnat to ${host}` : ''}
  }
  chain postrouting {
    type nat hook postrouting priority srcnat;
    oifname "${outside}" ${mapping(kind, address)}
  }
}
table ip filter {
  ${kind === 'restricted' ? 'set sent { type ipv4_addr; flags dynamic,timeout; timeout 120s; }' : ''}
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
    ${isOpen ? 'ct status dnat accept' : ''}
  }
}
${kind === 'restricted' ? remembered(inside) : ''}`
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

/** Who was sent to goes into the set that prerouting looks at; sets belong to a table, so it is the one of the NAT. */
function remembered (inside: string): string {
  return `
table ip nat {
  chain remember {
    type filter hook prerouting priority mangle;
    iifname "${inside}" update @sent { ip daddr }
  }
}`
}
