/** The links of an encoder, for SRT connections of this process: each connection is bonded over all of them. */
import { SenderService } from '@skein/srtla/node'
import type { OpenPacketPort, PacketPort } from '@skein/srt/node'

export interface BondedLinksInit {
  /** Source addresses; changed with `set()` @default ['0.0.0.0'], the way that the system takes */
  addresses?: string[]
  /** Told of what should be mended, such as an address that is not one of this machine */
  onProblem?: (message: string) => void
}

export class BondedLinks {
  private addresses: string[]
  private readonly onProblem?: (message: string) => void
  /** Bounded as the connections of who uses them */
  private readonly senders = new Set<SenderService>()

  constructor ({ addresses = ['0.0.0.0'], onProblem }: BondedLinksInit = {}) {
    this.addresses = addresses
    this.onProblem = onProblem
  }

  /** How many links each open connection has now. */
  get counts (): number[] {
    return [...this.senders].map(({ sender }) => sender.links.length)
  }

  /** Takes these addresses from now on; connections go on over those that stay. */
  async set (addresses: readonly string[]): Promise<void> {
    this.addresses = [...addresses]
    await Promise.all([...this.senders].map(async sender => { await sender.setLinks(addresses) }))
  }

  /** What `connect()` of SRT takes for its port. @throws {ReceiverAddressError} from there */
  portTo (receiver: { host: string, port: number }): OpenPacketPort {
    return async onPacket => {
      const sender = await SenderService.start({
        receiver,
        links: this.addresses,
        onPacket: bytes => { onPacket(bytes, receiver.host, receiver.port) },
        onProblem: this.onProblem
      })
      this.senders.add(sender)
      return {
        address: { address: '0.0.0.0', port: 0 },
        send: packet => { sender.send(packet) },
        close: () => {
          this.senders.delete(sender)
          void sender.stop()
        }
      } satisfies PacketPort
    }
  }
}
