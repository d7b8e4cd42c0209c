/**
 * Addresses of bonded UDP, `/ip4/192.0.2.1/udp/7310/srtla`: SRT, alone or over several links, under noise and yamux. The multiaddr table has no such
 * protocol, so a program that is to read such addresses adds it.
 */
import { registry } from '@multiformats/multiaddr'

export const SRTLA_NAME = 'srtla'
/** From the range of the multicodec table that is free for private use. */
export const SRTLA_CODE = 0x305254

/** Makes `/srtla` known to all that parse multiaddrs in this program; again does nothing. Without it they cannot be parsed. */
export function registerBondedAddresses (): void {
  registry.addProtocol({ code: SRTLA_CODE, name: SRTLA_NAME, size: 0 })
}
