/** A libp2p transport over SRT and SRTLA. */
export { srtla, SrtlaTransport } from './srtla-transport.ts'
export type { SrtlaComponents, SrtlaTransportInit } from './srtla-transport.ts'
