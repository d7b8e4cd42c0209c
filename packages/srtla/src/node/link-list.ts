/** The source addresses of a sender's links: from a file with one on each line, or from network interfaces. */
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { MAX_LINKS } from '../sender/sent-log.ts'

/** The list of links cannot be read, or has a line that is no address. What was read before stays in use. */
export class LinkListError extends Error {
  static override name = 'LinkListError'
  override readonly name = 'LinkListError'
  readonly path: string

  constructor (path: string, message: string, options?: ErrorOptions) {
    super(`${path} ${message}`, options)
    this.path = path
  }
}

/** A list that is longer is no list of links. */
const MAX_FILE_BYTES = 64 * 1024

/** @throws {LinkListError} */
export async function readLinkFile (path: string): Promise<string[]> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new LinkListError(path, `cannot be read: ${(cause as Error).message}`, { cause })
  }
  return parseLinkList(text, path)
}

/**
 * One address a line; `#` begins a comment.
 *
 * @throws {LinkListError}
 */
export function parseLinkList (text: string, path = 'The list of links'): string[] {
  if (text.length > MAX_FILE_BYTES) {
    throw new LinkListError(path, `is larger than ${MAX_FILE_BYTES} bytes: it needs one address a line`)
  }
  const addresses = new Set<string>()
  for (const [i, line] of text.split('\n').entries()) {
    const address = line.replace(/#.*/, '').trim()
    if (address === '') {
      continue
    }
    if (!isIpAddress(address)) {
      throw new LinkListError(path, `has no IP address in line ${i + 1}: "${address.slice(0, 60)}"`)
    }
    addresses.add(address)
  }
  if (addresses.size > MAX_LINKS) {
    throw new LinkListError(path, `has ${addresses.size} addresses: a group has ${MAX_LINKS} links at most`)
  }
  return [...addresses]
}

export function isIpAddress (text: string): boolean {
  return isIP(text) !== 0
}

/** The first global address of that family on each of the interfaces; one that is not there now has none. */
export function interfaceAddresses (names: readonly string[], family: 4 | 6, interfaces = networkInterfaces()): string[] {
  return names.flatMap(name => {
    const found = interfaces[name]?.find(entry => entry.family === `IPv${family}` && !(family === 6 && /^fe[89ab]/i.test(entry.address)))
    return found === undefined ? [] : [found.address]
  })
}
