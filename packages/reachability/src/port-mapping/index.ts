/** Ports mapped at a router: when to ask, and what is said. Pure: no I/O, no clock. */
export { isIPv4Text, isWorldAddress } from './external-address.ts'
export { MAX_MAPPED_PORTS, PortMapper } from './port-mapper.ts'
export type { PortMapperEffect } from './port-mapper.ts'
export { newPortMappingCounters } from './port-mapping-counters.ts'
export type { PortMappingCounters } from './port-mapping-counters.ts'
export { isSameMapping, MAPPING_PROTOCOLS, PortMappingError } from './router-mapping.ts'
export type { MappingProblem, MappingProtocol, RouterMapping, RouterSight } from './router-mapping.ts'
