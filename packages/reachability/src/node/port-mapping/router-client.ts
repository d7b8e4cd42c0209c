/** A router that maps ports by one protocol. */
import type { MappingProtocol, RouterMapping, RouterSight } from '../../port-mapping/router-mapping.ts'

export interface MapRequest {
  internalPort: number
  /** Wished for; the router may give another */
  externalPort: number
  /** Wished for; the router may give less */
  lifetimeMs: number
}

export interface RouterClient {
  readonly protocol: MappingProtocol
  /** Maps a port of TCP, or renews that @throws {PortMappingError} when it will not, or does not answer */
  map: (request: MapRequest, signal: AbortSignal) => Promise<RouterMapping>
  /** @throws {PortMappingError} when it does not answer */
  look: (mapping: RouterMapping, signal: AbortSignal) => Promise<RouterSight>
  /** @throws {PortMappingError} when it will not, or does not answer */
  unmap: (mapping: RouterMapping, signal: AbortSignal) => Promise<void>
}
