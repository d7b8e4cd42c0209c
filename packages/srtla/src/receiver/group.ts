/** A bonded stream as the receiver knows it: a group, and the links that its packets come over. */
import { ACK_SEQUENCES, emptyAck } from '../packet.ts'
import { RecentBytes } from '../recent-bytes.ts'
import type { LinkReport } from '../packet.ts'

/** Where a datagram came from. */
export interface Origin {
  address: string
  port: number
  family: 'IPv4' | 'IPv6'
}

export class ReceiverLink {
  readonly group: ReceiverGroup
  readonly address: string
  readonly port: number
  readonly family: Origin['family']
  readonly sinceMs: number
  lastHeardMs: number
  /** When the last packet of SRT came, not just a keepalive */
  lastSrtMs: number
  /** Of packets of SRT */
  bytes = 0
  packets = 0
  /** As the sender told with its last long keepalive */
  report: LinkReport | undefined
  /**
   * The ACK to come. It is sent from here and filled anew: should the system still hold it then, later sequence numbers go out in place of
   * earlier ones, and those were received too.
   */
  readonly ack: Uint8Array = emptyAck()
  ackCount = 0
  private readonly recent = new RecentBytes()

  constructor (group: ReceiverGroup, origin: Origin, nowMs: number) {
    this.group = group
    this.address = origin.address
    this.port = origin.port
    this.family = origin.family
    this.sinceMs = nowMs
    this.lastHeardMs = nowMs
    this.lastSrtMs = nowMs
  }

  /** To be called every 500 ms. */
  takeReading (): void {
    this.recent.read(this.bytes)
  }

  /** Bytes of the last three seconds or so. */
  get recentBytes (): number {
    return this.recent.of(this.bytes)
  }

  get ackIsFull (): boolean {
    return this.ackCount === ACK_SEQUENCES
  }
}

export class ReceiverGroup {
  readonly id: Uint8Array
  /** Whoever asked for it */
  readonly asker: string
  readonly sinceMs: number
  readonly links: ReceiverLink[] = []
  /** The link that the last packet of SRT came over */
  lastActive: ReceiverLink | undefined
  /** The link that data of the listener goes over */
  dataLink: ReceiverLink | undefined
  /** Since when it has had no link */
  emptySinceMs: number | undefined
  /** Nobody has joined it yet */
  isGhost = true
  streamId: string | undefined
  /** The socket of SRT that the last handshake came from: another one is another connection */
  srtSocket: number | undefined
  /** Whether somebody listens where its packets go; known once that was told */
  listenerIsAbsent = false
  /** Of packets of SRT, over links that are gone too */
  totalBytes = 0
  totalPackets = 0
  /** Packets that were not passed on because they were more than the group's share while the receiver was overloaded */
  droppedPackets = 0
  /** How many packets it may still send before shares are dealt again */
  allowance = 0
  /** Since shares were dealt */
  packetsInTurn = 0

  constructor (id: Uint8Array, asker: string, nowMs: number) {
    this.id = id
    this.asker = asker
    this.sinceMs = nowMs
    this.emptySinceMs = nowMs
  }

  /** As operators see it: the first 8 bytes in hex. */
  get name (): string {
    return groupName(this.id)
  }
}

/** A group as operators see it: the first 8 bytes of its id in hex. */
export function groupName (id: Uint8Array): string {
  let name = '0x'
  for (let i = 0; i < 8; i++) {
    name += (id[i] as number).toString(16).padStart(2, '0')
  }
  return name
}
