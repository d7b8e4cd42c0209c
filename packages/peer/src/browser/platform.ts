/** A browser: WebSocket outwards, no listening, nothing on disk. */
import { webSockets } from '@libp2p/websockets'
import { DataDirectoryError } from '../data-directory-error.ts'
import { browserNameResolver } from './name-resolver.ts'
import type { Platform } from '../platform.ts'

export const platform: Platform = {
  transports: () => [webSockets()],
  defaultListen: [],
  hardware: () => ({
    chipFamily: '',
    chipName: '',
    ramBytes: 0,
    vramBytes: 0,
    memoryBandwidthGBPerSecond: 0,
    tier: 3,
    gpuBackend: '',
    platform: 'browser'
  }),
  nameResolver: browserNameResolver,
  dns: {
    // libp2p would ask two public servers, of companies that nobody chose, for each /dnsaddr that some peer names
    query: async domain => { throw new Error(`${domain} is not looked up: only names of seeds are`) }
  },
  openDataDirectory: async path => {
    throw new DataDirectoryError('unusable', path, 'A browser has no data folder: leave dataDir out, and pass privateKey to keep an identity')
  }
}
