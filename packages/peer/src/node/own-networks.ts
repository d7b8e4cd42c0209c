/** The networks that this machine's interfaces are in. */
import { BlockList, isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { monotonicMs } from '@skein/core/system'

/** An interface may have another address by then, ms. */
const LIFE_MS = 5_000

let known: { networks: BlockList, atMs: number } | undefined

/** Whether an IP address lies in one of them. */
export function isOwnNetwork (host: string): boolean {
  const nowMs = monotonicMs()
  if (known === undefined || nowMs - known.atMs > LIFE_MS) {
    known = { networks: ownNetworks(), atMs: nowMs }
  }
  return known.networks.check(host, isIPv6(host) ? 'ipv6' : 'ipv4')
}

function ownNetworks (): BlockList {
  const networks = new BlockList()
  for (const { cidr, family, internal } of Object.values(networkInterfaces()).flatMap(addresses => addresses ?? [])) {
    const [address = '', bits = ''] = cidr?.split('/') ?? []
    if (!internal && bits !== '') {
      networks.addSubnet(address, Number(bits), family === 'IPv6' ? 'ipv6' : 'ipv4')
    }
  }
  return networks
}
