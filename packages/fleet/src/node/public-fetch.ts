/** `fetch` for addresses that users give: it goes nowhere but out into the world, whatever a name comes to at the moment of the connection. */
import { lookup } from 'node:dns'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { BlockList, isIP, isIPv6 } from 'node:net'
import { Readable } from 'node:stream'
import type { LookupFunction } from 'node:net'

/** IANA's special-purpose registries (RFC 6890), and IPv4 within IPv6, where one could hide. */
const NOT_PUBLIC: string[] = [
  '0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24',
  '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4',
  '::/96', '::ffff:0:0/96', '64:ff9b::/96', '64:ff9b:1::/48', '100::/64', '2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20', 'fc00::/7',
  'fe80::/10', 'ff00::/8'
]

/** One for each family: a list has IPv4 addresses in `::ffff:0:0/96` too. */
const blocked = { 4: new BlockList(), 6: new BlockList() }
for (const subnet of NOT_PUBLIC) {
  const [address, prefix] = subnet.split('/') as [string, string]
  blocked[isIPv6(address) ? 6 : 4].addSubnet(address, Number(prefix), isIPv6(address) ? 'ipv6' : 'ipv4')
}

export function isPublicAddress (address: string): boolean {
  const family = isIP(address)
  return family !== 0 && !blocked[family as 4 | 6].check(address, family === 6 ? 'ipv6' : 'ipv4')
}

/** The address is not one of the world's. */
export class PrivateAddressError extends Error {
  static override name = 'PrivateAddressError'
  override readonly name = 'PrivateAddressError'
  readonly host: string

  constructor (host: string) {
    super(`${host} is not in the public internet, and the fleet asks nowhere else for its users`)
    this.host = host
  }
}

/** The connection is made to the address that was looked at: a name that changes in between changes nothing. */
const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    const found = error === null ? addresses.filter(({ address }) => isPublicAddress(address)) : []
    const [first] = found
    if (first === undefined) {
      callback(error ?? new PrivateAddressError(hostname), '', 0)
    } else if (options.all === true) {
      callback(null, found)
    } else {
      callback(null, first.address, first.family)
    }
  })
}

/** As `fetch`, of a URL in text, with a body in text; redirects are not followed. */
export const publicFetch: typeof globalThis.fetch = async (input, init = {}) => {
  const url = new URL(String(input))
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) !== 0 && !isPublicAddress(host)) {
    throw new PrivateAddressError(host)
  }
  return await new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    const request = send(url, {
      method: init.method,
      headers: Object.fromEntries(new Headers(init.headers)),
      lookup: publicLookup,
      signal: init.signal ?? undefined
    }, answer => {
      const status = answer.statusCode ?? 502
      const isEmpty = status === 204 || status === 304
      if (isEmpty) {
        answer.resume()
      }
      resolve(new Response(isEmpty ? null : Readable.toWeb(answer) as ReadableStream, { status }))
    })
    request.once('error', reject)
    request.end(init.body)
  })
}
