/** A real bonded stream on loopback: numbered packets, srt-live-transmit, our sender, three impaired links, our receiver, srt-live-transmit. */
import { ReceiverService, SenderService } from '../src/node/index.ts'
import { ImpairingProxy } from './impairing-proxy.ts'
import { UNEQUAL_LINKS } from './link-model.ts'
import { PacketSink, PacketSource } from './packet-stream.ts'
import { freeUdpPort, SrtLiveTransmit } from './srt-live-transmit.ts'
import type { SenderMode } from '../src/index.ts'
import type { LinkModelInit } from './link-model.ts'

export interface BondedStreamInit {
  mode?: SenderMode
  latencyMs: number
  seed?: number
  /** Source addresses with which it begins @default all */
  links?: string[]
  models?: Record<string, LinkModelInit>
}

export const LINK_ADDRESSES = ['127.0.0.2', '127.0.0.3', '127.0.0.4']
const LINKS: Record<string, LinkModelInit> = Object.fromEntries(LINK_ADDRESSES.map((address, i) => [address, UNEQUAL_LINKS[i] as LinkModelInit]))
const WAIT_MS = 10_000

export class BondedStream {
  readonly proxy: ImpairingProxy
  readonly receiver: ReceiverService
  readonly sender: SenderService
  readonly source = new PacketSource()
  readonly sink: PacketSink
  readonly caller: SrtLiveTransmit
  readonly listener: SrtLiveTransmit
  readonly inputPort: number

  private constructor (parts: Omit<BondedStream, 'source' | 'send' | 'stop' | 'figures'>) {
    this.proxy = parts.proxy
    this.receiver = parts.receiver
    this.sender = parts.sender
    this.sink = parts.sink
    this.caller = parts.caller
    this.listener = parts.listener
    this.inputPort = parts.inputPort
  }

  /** Resolves when packets that are put in come out. */
  static async start (init: BondedStreamInit): Promise<BondedStream> {
    const sink = await PacketSink.open()
    const srtPort = await freeUdpPort()
    const inputPort = await freeUdpPort()
    const listener = new SrtLiveTransmit(`srt://127.0.0.1:${srtPort}?mode=listener&latency=${init.latencyMs}`, `udp://127.0.0.1:${sink.port}`)
    const receiver = await ReceiverService.start({ port: 0, hosts: ['127.0.0.1'], srt: { host: '127.0.0.1', port: srtPort } })
    const proxy = await ImpairingProxy.start({
      seed: init.seed ?? 1,
      target: { host: '127.0.0.1', port: receiver.port },
      links: init.models ?? LINKS
    })
    const sender = await SenderService.start({
      port: 0,
      host: '127.0.0.1',
      receiver: { host: '127.0.0.1', port: proxy.port },
      links: init.links ?? LINK_ADDRESSES,
      sender: { mode: init.mode }
    })
    await until(() => sender.sender.links.every(({ state }) => state === 'up'), 'all links are up')
    const uri = `srt://127.0.0.1:${sender.port}?mode=caller&latency=${init.latencyMs}&streamid=live_test`
    // its default buffer loses what comes while the machine is busy with something else
    const caller = new SrtLiveTransmit(`udp://127.0.0.1:${inputPort}?rcvbuf=4000000`, uri)
    const stream = new BondedStream({ sink, listener, receiver, proxy, sender, caller, inputPort })
    const deadlineMs = performance.now() + WAIT_MS
    while (sink.seen.size === 0) {
      if (performance.now() > deadlineMs) {
        await stream.stop()
        throw new Error(`Nothing came through:\n${caller.output}\n${listener.output}`)
      }
      await stream.send(100_000, 300)
    }
    return stream
  }

  async send (bitsPerSecond: number, durationMs: number): Promise<void> {
    await this.source.send(this.inputPort, bitsPerSecond, durationMs)
  }

  figures (): Record<string, number> {
    const { send } = this.caller.stats() ?? {}
    const { recv } = this.listener.stats() ?? {}
    return {
      sent: send?.packetsUnique ?? send?.packets,
      retransmitted: send?.packetsRetransmitted,
      senderDropped: send?.packetsDropped,
      received: recv?.packetsUnique ?? recv?.packets,
      dropped: recv?.packetsDropped,
      belated: recv?.packetsBelated
    }
  }

  async stop (): Promise<void> {
    this.source.close()
    await Promise.all([this.caller.stop(), this.listener.stop()])
    await this.sender.stop()
    await this.proxy.stop()
    await this.receiver.stop()
    this.sink.close()
  }
}

export async function until (condition: () => boolean, what: string, limitMs = WAIT_MS): Promise<void> {
  const deadlineMs = performance.now() + limitMs
  while (!condition()) {
    if (performance.now() > deadlineMs) {
      throw new Error(`Not within ${limitMs} ms: ${what}`)
    }
    await new Promise(resolve => { setTimeout(resolve, 10) })
  }
}
