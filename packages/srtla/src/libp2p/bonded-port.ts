/** What stands in the place of SRT's UDP port: one that takes bonded links and single ones, and one that sends over all links of this machine. */
import { ReceiverService } from '../node/receiver-service.ts'
import { SenderService } from '../node/sender-service.ts'
import type { OnPacket, PacketPort } from '@skein/srt/node'
import type { GroupUpstream } from '../node/group-upstream.ts'
import type { ReceiverGroup } from '../receiver/group.ts'

/** Groups have such ports for SRT to tell them apart by; no UDP port is as high. */
const FIRST_GROUP_PORT = 1 << 16

interface GroupSession {
  group: ReceiverGroup
  onPacket: (bytes: Uint8Array) => void
}

/** For a listener: a UDP port for SRT over one link, and for bonded SRT. */
export class ListeningPort implements PacketPort {
  private readonly host: string
  private readonly sessions = new Map<number, GroupSession>()
  private service!: ReceiverService
  private nextPort = FIRST_GROUP_PORT

  private constructor (host: string) {
    this.host = host
  }

  /** @throws {SrtlaListenError} */
  static async open (host: string, port: number, onPacket: OnPacket): Promise<ListeningPort> {
    const opened = new ListeningPort(host)
    opened.service = await ReceiverService.start({
      hosts: [host],
      port,
      srt: async (group, events) => opened.join(group, events.onPacket, onPacket),
      onPlain: onPacket
    })
    return opened
  }

  get address (): { address: string, port: number } {
    return { address: this.host, port: this.service.port }
  }

  get roomPackets (): number {
    return this.service.roomPackets
  }

  /** Where a caller is seen: of a bonded one the link that the last packet came over. */
  originOf (address: string, port: number): { address: string, port: number, links: number } {
    const group = this.sessions.get(port)?.group
    const link = group?.lastActive ?? group?.links[0]
    return { address: link?.address ?? address, port: link?.port ?? port % FIRST_GROUP_PORT, links: group?.links.length ?? 1 }
  }

  send (packet: Uint8Array, port: number, address: string): void {
    if (port < FIRST_GROUP_PORT) {
      this.service.sendPlain(packet, port, address)
    } else {
      this.sessions.get(port)?.onPacket(packet)
    }
  }

  close (): void {
    void this.service.stop()
  }

  private join (group: ReceiverGroup, toGroup: (bytes: Uint8Array) => void, onPacket: OnPacket): GroupUpstream {
    const port = this.nextPort++
    this.sessions.set(port, { group, onPacket: toGroup })
    return {
      send: bytes => { onPacket(bytes, group.asker, port) },
      close: () => { this.sessions.delete(port) }
    }
  }
}

/** For a caller with several links. */
export class BondedPort implements PacketPort {
  private readonly service: SenderService

  private constructor (service: SenderService) {
    this.service = service
  }

  /** @param links source addresses @throws {ReceiverAddressError} */
  static async open (receiver: { host: string, port: number }, links: string[], onPacket: OnPacket): Promise<BondedPort> {
    return new BondedPort(await SenderService.start({
      receiver,
      links,
      onPacket: bytes => { onPacket(bytes, receiver.host, receiver.port) }
    }))
  }

  get address (): { address: string, port: number } {
    return { address: '0.0.0.0', port: 0 }
  }

  get roomPackets (): number {
    return this.service.roomPackets
  }

  /** How many links carry now. */
  get links (): number {
    return this.service.sender.links.length
  }

  send (packet: Uint8Array): void {
    this.service.send(packet)
  }

  close (): void {
    void this.service.stop()
  }
}
