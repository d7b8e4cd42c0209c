/**
 * What is said to an Internet Gateway Device of UPnP, as text: the search for one (UPnP Device Architecture 1.1, §1.3), its description (§2.3), and
 * calls of its WAN connection services (§3.1), versions 1 and 2 of WANIPConnection and WANPPPConnection. No parser of XML: a few elements are looked
 * for by name, in texts of bounded length.
 */
import { isIPv4Text } from './external-address.ts'

export const SSDP_ADDRESS = '239.255.255.250'
export const SSDP_PORT = 1_900
export const MAX_DESCRIPTION_CHARS = 65_536
const MAX_ANSWER_CHARS = 2_048
const MAX_FIELD_CHARS = 256
const MAX_SERVICES = 4
const SERVICE = /^urn:schemas-upnp-org:service:WAN(?:IP|PPP)Connection:[12]$/

/** A service that maps ports, and where it is called. */
export interface UpnpService {
  type: string
  controlUrl: string
}

/** Asks gateways to say where their description is, within a second; a gateway of version 2 answers to 1 as well. */
export function searchText (): string {
  return [
    'M-SEARCH * HTTP/1.1', `HOST: ${SSDP_ADDRESS}:${SSDP_PORT}`, 'MAN: "ssdp:discover"', 'MX: 1',
    'ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1', '', ''
  ].join('\r\n')
}

/**
 * Where a gateway says that its description is. `undefined` for anything else, and for an address other than that which the answer came from: nobody
 * in this network is to have this device ask somebody else.
 */
export function descriptionUrl (answer: string, from: string): string | undefined {
  const text = answer.slice(0, MAX_ANSWER_CHARS)
  if (!/^HTTP\/1\.[01] 200\b/.test(text) || !/^st:[ \t]*urn:schemas-upnp-org:device:InternetGatewayDevice:/im.test(text)) {
    return undefined
  }
  return urlAt(/^location:[ \t]*(\S+)/im.exec(text)?.[1] ?? '', from)
}

/** The services of a description that map ports, those left out that are elsewhere. A router may have one for each kind of line. */
export function mappingServices (description: string, descriptionAt: string): UpnpService[] {
  const { hostname } = new URL(descriptionAt)
  const text = description.slice(0, MAX_DESCRIPTION_CHARS)
  const base = elementOf(text, 'URLBase')
  const services: UpnpService[] = []
  for (const [, service = ''] of text.matchAll(/<service>([\s\S]{0,2048}?)<\/service>/g)) {
    const type = elementOf(service, 'serviceType') ?? ''
    const path = elementOf(service, 'controlURL')
    if (SERVICE.test(type) && path !== undefined) {
      const controlUrl = urlAt(path, hostname, base === undefined || base === '' ? descriptionAt : base)
      if (controlUrl !== undefined && services.length < MAX_SERVICES) {
        services.push({ type, controlUrl })
      }
    }
  }
  return services
}

/** The body of a call. */
export function callText ({ type }: UpnpService, action: string, fields: ReadonlyArray<readonly [name: string, value: string | number]>): string {
  const inner = fields.map(([name, value]) => `<${name}>${escaped(String(value))}</${name}>`).join('')
  return '<?xml version="1.0"?>\r\n<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" ' +
    's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>' +
    `<u:${action} xmlns:u="${type}">${inner}</u:${action}></s:Body></s:Envelope>\r\n`
}

/** A field of an answer, whatever prefix its element has; `undefined` when it is not there, or longer than any that is asked for. */
export function fieldOf (answer: string, name: string): string | undefined {
  const value = elementOf(answer.slice(0, MAX_DESCRIPTION_CHARS), name)
  return value === undefined || value.length > MAX_FIELD_CHARS ? undefined : value
}

/** The number of an error that a service answered; `undefined` when it tells none. */
export function errorCodeOf (answer: string): number | undefined {
  const code = Number(fieldOf(answer, 'errorCode'))
  return Number.isInteger(code) ? code : undefined
}

function elementOf (text: string, name: string): string | undefined {
  return new RegExp(`<(?:[A-Za-z0-9_-]{1,32}:)?${name}(?:\\s[^>]{0,512})?>([^<]{0,2048})</`).exec(text)?.[1]?.trim()
}

function urlAt (text: string, host: string, base?: string): string | undefined {
  try {
    const url = new URL(text, base)
    return url.protocol === 'http:' && url.hostname === host && isIPv4Text(host) && url.username === '' ? url.href : undefined
  } catch {
    return undefined
  }
}

function escaped (text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
