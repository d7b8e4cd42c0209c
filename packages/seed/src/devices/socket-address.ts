/** What sockets have in common: those of one owner an IPv4 address or the /56 of an IPv6 address, those of one network the /24 or the /48. */
import { networkOf } from '@skein/records'

/** @param address - as Node's sockets tell it */
export function ownerOf (address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped?.[1] != null) {
    return mapped[1]
  }
  if (!address.includes(':')) {
    return address
  }
  const [head = '', tail] = (address.split('%')[0] as string).split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail == null || tail === '' ? [] : tail.split(':')
  const zeros = tail == null ? 0 : Math.max(0, 8 - left.length - right.length)
  const groups = [...left, ...Array.from({ length: zeros }, () => '0'), ...right].map(group => group.padStart(4, '0'))
  return `${groups.slice(0, 3).join(':')}:${groups[3]?.slice(0, 2) ?? '00'}00::/56`
}

/** The /24 or /48; `address` as Node's sockets tell it. */
export function networkOfAddress (address: string): string {
  const plain = plainAddress(address)
  return networkOf(`/${plain.includes(':') ? 'ip6' : 'ip4'}/${plain}`) ?? plain
}

/** Without the zone, and an IPv4 address that came over IPv6 as what it is. */
export function plainAddress (address: string): string {
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '').split('%', 1)[0] as string
}
