/** Which addresses of this machine can be links to another one: a pure function of its network interfaces. */
import { BlockList, isIP } from 'node:net'
import type { NetworkInterfaceInfo } from 'node:os'
import { MAX_LINKS } from '../sender/sent-log.ts'

/** Bridges and tunnels of this machine itself: what is sent from there comes out of another interface, or nowhere. */
const INNER = /^(docker|br-|veth|virbr|cni|flannel|cali|vnet|lxc|lxd)/

/** One address of each interface that leads out; none where one link alone leads there, or the host is of this machine or a network that it is in. */
export function sourceAddresses (host: string, interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>): string[] {
  const family = isIP(host) === 6 ? 'IPv6' : 'IPv4'
  const all = Object.entries(interfaces).flatMap(([name, entries = []]) => entries
    .filter(entry => entry.family === family)
    .map(entry => ({ name, entry })))
  if (all.some(({ entry }) => isWithin(host, entry))) {
    return []
  }
  const links = new Map<string, string>()
  for (const { name, entry } of all) {
    if (!entry.internal && !INNER.test(name) && !/^(fe[89ab]|169\.254\.)/i.test(entry.address) && !links.has(name)) {
      links.set(name, entry.address)
    }
  }
  return links.size < 2 ? [] : [...links.values()].slice(0, MAX_LINKS)
}

function isWithin (host: string, { cidr, address, family }: NetworkInterfaceInfo): boolean {
  const prefix = Number(cidr?.split('/')[1] ?? (family === 'IPv6' ? 128 : 32))
  const network = new BlockList()
  const type = family === 'IPv6' ? 'ipv6' : 'ipv4'
  network.addSubnet(address, prefix, type)
  return network.check(host, type)
}

/** 0 for what is no IP address. */
export function ipFamily (host: string): number {
  return isIP(host)
}
