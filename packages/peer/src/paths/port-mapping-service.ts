/** Whether a peer has its router map ports, and the libp2p service that does it. */
import { platform } from '#platform'
import { publicNetwork } from '../trust/network-lookup.ts'
import type { Clock, Random } from '@skein/core'
import type { MappedAddressesComponents, MappedAddressesInit } from '../node/mapped-addresses.ts'
import type { PeerInit } from '../peer-init.ts'
import type { MappedPorts } from './mapped-port.ts'

export interface PortMappingServiceInit extends Pick<MappedAddressesInit, 'dialBack' | 'onChange'> {
  peer: Pick<PeerInit, 'reachability' | 'client' | 'announce' | 'networkOf'>
  /** What it listens at, multiaddr texts */
  listen: readonly string[]
  clock: Clock
  random: Random
}

/** `undefined` where there is nothing that others could dial, or the user wants none of it. */
export function portMappingService (
  { peer, listen, dialBack, onChange, clock, random }: PortMappingServiceInit
): ((components: MappedAddressesComponents) => MappedPorts) | undefined {
  const options = peer.reachability === false ? false : peer.reachability?.portMapping ?? {}
  return options === false || peer.client === true || listen.length === 0
    ? undefined
    : platform.mappedAddresses?.({
      options,
      isAnnounced: (peer.announce ?? []).length > 0,
      networkOf: peer.networkOf ?? publicNetwork,
      dialBack,
      onChange,
      clock,
      random
    })
}
