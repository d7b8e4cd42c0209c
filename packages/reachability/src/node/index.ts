/** What Node punches holes with. */
export { TcpPuncher } from './tcp-puncher.ts'
export type { TcpPuncherComponents, TcpPuncherInit } from './tcp-puncher.ts'
