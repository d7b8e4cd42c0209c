/** An SRT port of this machine for one encoder, whatever stream id it says. One that has gone silent gives way to the next. */
import { SrtListener } from '@skein/srt/node'
import type { FanoutDriver } from '@skein/media-relay'
import type { SrtSocket } from '@skein/srt/node'

export interface EncoderPortInit {
  /** IP address @default '127.0.0.1' */
  host?: string
  /** UDP port; 0 takes any free one */
  port: number
  /** From the encoder to here, ms @default 120 */
  latencyMs?: number
  /** Under which what comes is published to `fanout` */
  publisher: string
  fanout: FanoutDriver
  onConnected: (address: string) => void
  onClosed: () => void
}

/** The encoder, one that takes over from it, and a few that are about to be told so. */
const MAX_CONNECTIONS = 4
/** What an encoder may put into a packet at most, so that it goes on as it is. */
export const PAYLOAD_BYTES = 1_456

export class EncoderPort {
  private readonly init: EncoderPortInit
  private readonly listener: SrtListener

  private constructor (init: EncoderPortInit, listener: SrtListener) {
    this.init = init
    this.listener = listener
  }

  /** @throws what the system says of the port */
  static async open (init: EncoderPortInit): Promise<EncoderPort> {
    const { host = '127.0.0.1', port, latencyMs, publisher, fanout } = init
    const listener = await SrtListener.listen({
      host,
      port,
      latencyMs,
      payloadBytes: PAYLOAD_BYTES,
      maxConnections: MAX_CONNECTIONS,
      onRequest: () => {
        const admission = fanout.admitPublisher(publisher)
        return admission.type === 'admit' ? { type: 'accept' } : { type: 'reject', reason: admission.reason }
      }
    })
    const opened = new EncoderPort(init, listener)
    void opened.serve()
    return opened
  }

  get port (): number {
    return this.listener.address.port
  }

  async close (): Promise<void> {
    await this.listener.close()
  }

  private async serve (): Promise<void> {
    for await (const socket of this.listener) {
      void this.take(socket)
    }
  }

  private async take (socket: SrtSocket): Promise<void> {
    const { fanout, publisher, onConnected, onClosed } = this.init
    const publication = fanout.addPublisher(publisher, { close: () => { socket.abort() } })
    onConnected(socket.remoteAddress)
    try {
      for (let packet = await socket.read(); packet !== undefined; packet = socket.readNow() ?? await socket.read()) {
        fanout.onPacket(publication, packet)
      }
    } catch {
      // it is gone: the next one may come
    } finally {
      socket.abort()
      fanout.removePublisher(publication)
      onClosed()
    }
  }
}
