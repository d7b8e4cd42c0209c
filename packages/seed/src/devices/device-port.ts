/** What the bridge needs of the relay: to know the devices, to speak to them as the seed's own node, and to hear what they say to it. */
import type { DeviceEntry } from './device-table.ts'
import type { Delivery } from './device-hub.ts'
import type { ForwardedKind, ForwardedMessage, RelayPayload } from './relay-message.ts'

export interface DeviceListener {
  onMessage: (message: ForwardedMessage) => void
  /** `nodeID` in lower case */
  onDevice: (nodeID: string, change: 'joined' | 'changed' | 'left') => void
}

export interface DevicePort {
  /** Puts the seed's own node into discover answers, changes its entry, or takes it out */
  setLocalNode: (entry: DeviceEntry | undefined) => void
  send: <K extends ForwardedKind>(kind: K, payload: RelayPayload<K>) => Delivery
  devices: () => Iterable<DeviceEntry>
  devicesWith: (model: string) => Iterable<DeviceEntry>
  deviceOf: (nodeID: string) => { entry: DeviceEntry, wrapped: boolean } | undefined
  /** One listener; the last one set counts */
  listen: (listener: DeviceListener | undefined) => void
}
