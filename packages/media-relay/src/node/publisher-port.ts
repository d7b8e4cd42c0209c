/** The SRT port of publishers: takes what they send and hands it to the fan-out. */
import { readStreamId } from '../stream-id.ts'
import { openSrtListener } from './srt-listener.ts'
import type { Refusal } from '../admission.ts'
import type { FanoutDriver } from '../fanout/fanout-driver.ts'
import type { Publication } from '../fanout/publication.ts'
import type { CloseReason } from '../fanout/fanout.ts'
import type { PublisherFigures } from '../http/stats-api.ts'
import type { ConnectionOptions } from '@skein/srt'
import type { CallerInfo, SrtListener, SrtSocket } from '@skein/srt/node'
import type { TrafficCount } from './traffic-count.ts'

export interface PublisherPortInit {
  host: string
  port: number
  /** Of what publishers send, ms; one that wants more gets it */
  latencyMs: number
  passphrase?: string
  /** Connections at once, those that are about to be taken over among them */
  maxConnections: number
  driver: FanoutDriver
  /** Counts what goes through @default nothing does */
  traffic?: TrafficCount
  /** Options for a caller that need others than most do */
  optionsFor?: (caller: CallerInfo) => ConnectionOptions | undefined
  onConnected: (publication: Publication, address: string) => void
  onClosed: (publication: Publication, reason: ConnectionEnd) => void
  onRefused: (reason: Refusal, address: string) => void
}

/** Why a connection ended: the relay wanted it, the other side did, or nothing came from there any more. */
export type ConnectionEnd = CloseReason | 'ended' | 'lost'

export class PublisherPort {
  private readonly init: PublisherPortInit
  private readonly listener: SrtListener
  /** Bounded by `maxConnections` */
  private readonly sockets = new Map<Publication, SrtSocket>()

  private constructor (init: PublisherPortInit, listener: SrtListener) {
    this.init = init
    this.listener = listener
  }

  /** @throws {MediaListenError} */
  static async open (init: PublisherPortInit): Promise<PublisherPort> {
    const { driver, host, port, latencyMs, passphrase, maxConnections } = init
    const listener = await openSrtListener('publishers', {
      host,
      port,
      latencyMs,
      passphrase,
      maxConnections,
      onRequest: caller => {
        const admission = driver.admitPublisher(caller.streamId)
        if (admission.type === 'refuse') {
          init.onRefused(admission.reason, caller.address)
          return { type: 'reject', reason: admission.reason }
        }
        return { type: 'accept', options: init.optionsFor?.(caller) }
      }
    })
    const opened = new PublisherPort(init, listener)
    void opened.serve()
    return opened
  }

  get port (): number {
    return this.listener.address.port
  }

  /** `undefined` for one that is not connected here. */
  figuresOf (publication: Publication, nowMs: number): PublisherFigures | undefined {
    const socket = this.sockets.get(publication)
    if (socket === undefined) {
      return undefined
    }
    const statistics = socket.statistics()
    return {
      kbitPerSecond: publication.kbitPerSecond(nowMs),
      uptimeMs: nowMs - publication.sinceMs,
      latencyMs: statistics.msRcvTsbPdDelay,
      msRTT: statistics.msRTT,
      msRcvBuf: statistics.msRcvBuf,
      mbpsBandwidth: statistics.mbpsBandwidth,
      mbpsRecvRate: statistics.mbpsRecvRate,
      pktRecv: statistics.pktRecvTotal,
      pktRcvDrop: statistics.pktRcvDropTotal,
      pktRcvLoss: statistics.pktRcvLossTotal,
      byteRcvDrop: statistics.byteRcvDropTotal,
      byteRcvLoss: statistics.byteRcvLossTotal
    }
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
    const { driver, traffic, onConnected, onClosed } = this.init
    const asked = readStreamId(socket.streamId)
    if (asked.type !== 'asked') {
      socket.abort() // it was let in by another id than this
      return
    }
    let end: ConnectionEnd = 'ended'
    const publication = driver.addPublisher(asked.id, {
      close: reason => {
        end = reason
        socket.abort()
      }
    })
    this.sockets.set(publication, socket)
    traffic?.add(socket)
    onConnected(publication, socket.remoteAddress)
    try {
      for (let packet = await socket.read(); packet !== undefined; packet = socket.readNow() ?? await socket.read()) {
        driver.onPacket(publication, packet)
      }
    } catch {
      end = end === 'ended' ? 'lost' : end
    } finally {
      socket.abort()
      driver.removePublisher(publication)
      this.sockets.delete(publication)
      traffic?.onEnded(socket)
      onClosed(publication, end)
    }
  }
}
