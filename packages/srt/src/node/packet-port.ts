/** Where packets of SRT come from and go to: a UDP port, or what stands in its place, links that are bonded say. */

export interface PacketPort {
  /** Its own */
  readonly address: { address: string, port: number }
  /** What the system keeps while nobody reads, packets; left out where that is not known */
  readonly roomPackets?: number
  send: (packet: Uint8Array, port: number, address: string) => void
  close: () => void
}

export type OnPacket = (packet: Uint8Array, address: string, port: number) => void

/** Opens one that hands out what comes for it. */
export type OpenPacketPort = (onPacket: OnPacket) => Promise<PacketPort>
