/** What Node punches holes with, and has routers map ports. */
export { PortMapping } from './port-mapping/port-mapping.ts'
export type { PortMappingInit, PortMappingOptions } from './port-mapping/port-mapping.ts'
export { TcpPuncher } from './tcp-puncher.ts'
export type { TcpPuncherComponents, TcpPuncherInit } from './tcp-puncher.ts'
