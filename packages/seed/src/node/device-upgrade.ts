/** Mounts the endpoint of existing devices, and the bridge between them and the mesh, on a seed's HTTP port. */
import { bridgeDevices } from '../devices/bridge.ts'
import { deviceEndpoint } from './device-endpoint.ts'
import type { Seed } from '../create-seed.ts'
import type { UpgradeTarget } from './http-port.ts'

/** What `/ws` is: pass it to `startSeedNode` as `upgrades`. */
export function deviceUpgrade (seed: Seed): Record<string, UpgradeTarget> {
  // the port counts connections by address, and knows whom to trust
  const endpoint = deviceEndpoint({ maxSocketsPerAddress: Infinity })
  const bridge = bridgeDevices({ peer: seed.peer, port: endpoint.port, models: async () => await seed.service.models() })
  return {
    '/ws': {
      handleUpgrade: (request, socket, head) => { endpoint.handleUpgrade(request, socket, head) },
      refused: () => {
        const { refused, turnedAway } = endpoint.stats()
        return { ...refused, ...turnedAway }
      },
      devices: () => ({ ...endpoint.stats(), bridgeSessions: bridge.sessions, bridgeModels: bridge.models.length }),
      drain: async () => {
        await bridge.stop()
        await endpoint.stop()
      }
    }
  }
}
