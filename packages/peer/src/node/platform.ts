/** Node: TCP and WebSocket, a data folder, the hardware as the operating system tells it. */
import { join } from 'node:path'
import { kadDHT } from '@libp2p/kad-dht'
import { tcp } from '@libp2p/tcp'
import { ClusterService, coordinates, OverlayService } from '@skein/clusters/libp2p'
import { TcpPuncher } from '@skein/reachability/node'
import { CapabilityService } from '@skein/reputation/libp2p'
import { mostChallengeBytes, startMemoryProver } from '@skein/reputation/node'
import { measurePeer } from '../checks/measure-peer.ts'
import { detectHardware } from './hardware.ts'
import { loadIdentity } from './identity-file.ts'
import { keepLedger } from './kept-ledger.ts'
import { openLevelAddressTables } from './level-address-tables.ts'
import { localAddresses } from './local-addresses.ts'
import { MappedAddresses } from './mapped-addresses.ts'
import { askNat } from './nat-question.ts'
import { nodeNameResolver } from './name-resolver.ts'
import { isOwnNetwork } from './own-networks.ts'
import { puzzleFile } from './puzzle-file.ts'
import { webSocketTransport } from './websocket-transport.ts'
import type { Platform } from '../platform.ts'

export const platform: Platform = {
  transports: () => [tcp(), webSocketTransport()],
  isOwnNetwork,
  puncher: components => new TcpPuncher(components),
  natVerdict: askNat,
  mappedAddresses: init => components => new MappedAddresses(components, init),
  localAddresses,
  dht: kadDHT,
  regional: { ClusterService, OverlayService, coordinates },
  defaultListen: ['/ip4/0.0.0.0/tcp/0', '/ip6/::/tcp/0'],
  hardware: detectHardware,
  measurePeer,
  capability: ({ answer, ...init }) => new CapabilityService({
    ...init,
    ...answer === false ? {} : { prover: { mostBytes: mostChallengeBytes(), ...answer, start: startMemoryProver } }
  }),
  nameResolver: nodeNameResolver,
  openDataDirectory: async (path, onDamage) => {
    const privateKey = await loadIdentity(join(path, 'identity.key'))
    const addresses = await openLevelAddressTables({
      path: join(path, 'address-book'),
      onDamage: ({ unreadable, missing, movedTo }) => {
        onDamage(movedTo == null
          ? `The address book had ${unreadable} damaged and ${missing} missing records; the rest is used`
          : `The address book could not be opened; it was moved to ${movedTo} and a new one begun`)
      }
    })
    return {
      privateKey,
      addresses,
      keepLedger: async (ledger, options) => await keepLedger(join(path, 'reputation'), ledger, { ...options, onDamage }),
      puzzle: puzzleFile(join(path, 'puzzle.solution'))
    }
  }
}
