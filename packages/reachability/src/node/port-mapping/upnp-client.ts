/** A router that maps ports by UPnP: a WANIPConnection or WANPPPConnection service of an Internet Gateway Device. */
import { deadline, randomBelow } from '@skein/core'
import { isIPv4Text } from '../../port-mapping/external-address.ts'
import { PortMappingError } from '../../port-mapping/router-mapping.ts'
import { callText, errorCodeOf, fieldOf, mappingServices, MAX_DESCRIPTION_CHARS } from '../../port-mapping/upnp-message.ts'
import { searchGateways } from './gateway-search.ts'
import { httpText } from './http-text.ts'
import { localAddressTo } from './local-address.ts'
import type { Clock, Random } from '@skein/core'
import type { MappingProblem, RouterMapping, RouterSight } from '../../port-mapping/router-mapping.ts'
import type { UpnpService } from '../../port-mapping/upnp-message.ts'
import type { MapRequest, RouterClient } from './router-client.ts'

export interface UpnpClientInit {
  clock: Clock
  random: Random
}

/** The service answered with an error of its own. */
class UpnpFault extends Error {
  static override name = 'UpnpFault'
  override readonly name = 'UpnpFault'
  readonly code: number | undefined

  constructor (code: number | undefined) {
    super(`UPnP error ${code ?? 'without a number'}`)
    this.code = code
  }
}

const CALL_TIMEOUT_MS = 4_000
const DESCRIPTION = 'Skein'
const NO_SUCH_ENTRY = 714
/** ConflictInMappingEntry, ConflictWithOtherMechanisms: the port outside is somebody else's, or the router's own. */
const TAKEN = [718, 729]
const ONLY_PERMANENT = 725
/** Those, SamePortValuesRequired for one that is taken, and NoPortMapsAvailable. */
const PROBLEMS: Record<number, MappingProblem> = { 718: 'full', 724: 'full', 728: 'full', 729: 'full' }
/** Ports that nobody has by right (RFC 6335), from which another is taken where the wished one is. */
const OTHER_PORTS = { first: 49_152, count: 16_384 }
const MAX_PORTS_TRIED = 4

export class UpnpClient implements RouterClient {
  readonly protocol = 'upnp'
  private readonly init: UpnpClientInit
  private readonly service: UpnpService
  private readonly router: string

  private constructor (init: UpnpClientInit, service: UpnpService) {
    this.init = init
    this.service = service
    this.router = new URL(service.controlUrl).hostname
  }

  /** `undefined` when there is none. A service that knows the address of its line goes before one that does not. */
  static async find (init: UpnpClientInit, router: string | undefined, signal: AbortSignal): Promise<UpnpClient | undefined> {
    const localAddress = router === undefined ? undefined : await localAddressTo(router)
    const gateways = await searchGateways({ router, ...localAddress === undefined ? {} : { localAddress }, clock: init.clock, signal })
    let other: UpnpClient | undefined
    for (const url of gateways) {
      for (const service of await servicesAt(url, init.clock, signal)) {
        const client = new UpnpClient(init, service)
        if (await client.isOnline(signal)) {
          return client
        }
        other ??= client
      }
    }
    return other
  }

  async map (request: MapRequest, signal: AbortSignal): Promise<RouterMapping> {
    const { random } = this.init
    const externalAddress = await this.externalAddress(signal)
    const internalAddress = await localAddressTo(this.router)
    if (internalAddress === undefined) {
      throw new PortMappingError('no_router', `There is no route to the router ${this.router}`)
    }
    const mapping = { protocol: this.protocol, router: this.router, internalAddress, internalPort: request.internalPort, externalAddress } as const
    let { externalPort, lifetimeMs } = request
    for (let tried = 1; ; tried++) {
      try {
        await this.add({ ...mapping, externalPort, lifetimeMs }, signal)
        return { ...mapping, externalPort, ...lifetimeMs === 0 ? {} : { lifetimeMs } }
      } catch (error) {
        if (!(error instanceof UpnpFault) || tried >= MAX_PORTS_TRIED) {
          throw problemOf(error, signal)
        }
        if (TAKEN.includes(error.code ?? 0)) {
          externalPort = OTHER_PORTS.first + randomBelow(random, OTHER_PORTS.count)
        } else if (error.code === ONLY_PERMANENT && lifetimeMs !== 0) {
          lifetimeMs = 0
        } else {
          throw problemOf(error, signal)
        }
      }
    }
  }

  async look (mapping: RouterMapping, signal: AbortSignal): Promise<RouterSight> {
    try {
      const answer = await this.call('GetSpecificPortMappingEntry', keyOf(mapping), signal)
      const isOwn = fieldOf(answer, 'NewInternalClient') === mapping.internalAddress
      return {
        isMapped: isOwn && Number(fieldOf(answer, 'NewInternalPort')) === mapping.internalPort,
        externalAddress: await this.externalAddress(signal)
      }
    } catch (error) {
      if (error instanceof UpnpFault && error.code === NO_SUCH_ENTRY) {
        return { isMapped: false }
      }
      throw problemOf(error, signal)
    }
  }

  async unmap (mapping: RouterMapping, signal: AbortSignal): Promise<void> {
    try {
      await this.call('DeletePortMapping', keyOf(mapping), signal)
    } catch (error) {
      if (!(error instanceof UpnpFault && error.code === NO_SUCH_ENTRY)) {
        throw problemOf(error, signal)
      }
    }
  }

  private async add ({ internalAddress, internalPort, externalPort, lifetimeMs = 0 }: RouterMapping, signal: AbortSignal): Promise<void> {
    await this.call('AddPortMapping', [
      ...keyOf({ externalPort }), ['NewInternalPort', internalPort], ['NewInternalClient', internalAddress], ['NewEnabled', 1],
      ['NewPortMappingDescription', DESCRIPTION], ['NewLeaseDuration', Math.round(lifetimeMs / 1_000)]
    ], signal)
  }

  /** @throws {PortMappingError} when it has none */
  private async externalAddress (signal: AbortSignal): Promise<string> {
    let address: string | undefined
    try {
      address = fieldOf(await this.call('GetExternalIPAddress', [], signal), 'NewExternalIPAddress')
    } catch (error) {
      if (!(error instanceof UpnpFault)) {
        throw problemOf(error, signal)
      }
    }
    if (address === undefined || !isIPv4Text(address)) {
      throw new PortMappingError('no_external_address', `The router ${this.router} tells no address of its own in the world by UPnP`)
    }
    return address
  }

  private async isOnline (signal: AbortSignal): Promise<boolean> {
    try {
      await this.externalAddress(signal)
      return true
    } catch {
      signal.throwIfAborted()
      return false
    }
  }

  /** @throws {UpnpFault} when the service answers with an error */
  private async call (action: string, fields: ReadonlyArray<readonly [string, string | number]>, signal: AbortSignal): Promise<string> {
    const limit = deadline(this.init.clock, CALL_TIMEOUT_MS, [signal])
    try {
      const { status, text } = await httpText(this.service.controlUrl, {
        body: callText(this.service, action, fields),
        headers: { 'content-type': 'text/xml; charset="utf-8"', soapaction: `"${this.service.type}#${action}"` },
        maxBytes: MAX_DESCRIPTION_CHARS,
        signal: limit.signal
      })
      if (status !== 200) {
        throw new UpnpFault(errorCodeOf(text))
      }
      return text
    } finally {
      limit.clear()
    }
  }
}

async function servicesAt (url: string, clock: Clock, signal: AbortSignal): Promise<UpnpService[]> {
  const limit = deadline(clock, CALL_TIMEOUT_MS, [signal])
  try {
    const { status, text } = await httpText(url, { maxBytes: MAX_DESCRIPTION_CHARS, signal: limit.signal })
    return status === 200 ? mappingServices(text, url) : []
  } catch {
    signal.throwIfAborted()
    return []
  } finally {
    limit.clear()
  }
}

function keyOf ({ externalPort }: Pick<RouterMapping, 'externalPort'>): Array<readonly [string, string | number]> {
  return [['NewRemoteHost', ''], ['NewExternalPort', externalPort], ['NewProtocol', 'TCP']]
}

function problemOf (error: unknown, signal: AbortSignal): unknown {
  signal.throwIfAborted()
  if (error instanceof PortMappingError) {
    return error
  }
  return error instanceof UpnpFault
    ? new PortMappingError(PROBLEMS[error.code ?? 0] ?? 'refused', `The router refuses by UPnP: ${error.message}`, { cause: error })
    : new PortMappingError('silent', 'The router does not answer by UPnP', { cause: error })
}
