/** Gives a fan-out its connections, whatever they are made of: SRT, or streams of the mesh. */
import { MachineDriver } from '@skein/core'
import { admitPlayer, admitPublisher } from '../admission.ts'
import { Fanout } from './fanout.ts'
import type { Clock } from '@skein/core'
import type { PlayerAdmission, PublisherAdmission, Refusal } from '../admission.ts'
import type { StreamRole } from '../stream-id.ts'
import type { StreamEntry, StreamTable } from '../stream-table.ts'
import type { Carriage, CarriageVerdict } from './carriage.ts'
import type { CloseReason, FanoutEffect, FanoutInit } from './fanout.ts'
import type { PlayerSession } from './player-session.ts'
import type { Publication } from './publication.ts'

/** Where packets for one player go. */
export interface PlayerSink {
  /** Takes the packet, or says that it does not; the bytes must not be changed */
  send: (packet: Uint8Array) => boolean
  close: (reason: CloseReason) => void
  /** It is a peer of the mesh @default false */
  readonly isOfMesh?: boolean
}

/** Where packets come from. */
export interface PublisherSource {
  close: (reason: CloseReason) => void
}

export interface FanoutDriverInit extends FanoutInit {
  streams: StreamTable
  clock: Clock
  /** Asked before anything is carried @default all is */
  carriage?: Carriage
  /** A publisher went silent, or sends again */
  onStale?: (publication: Publication, isStale: boolean) => void
}

const OVERLOAD = { type: 'refuse', reason: 'overload' } as const

export class FanoutDriver {
  readonly fanout: Fanout
  /** Callers that were not let in, by role and reason */
  readonly refused: Record<StreamRole, Partial<Record<Refusal, number>>> = { publisher: {}, player: {} }
  /** Packets that were not carried because of `carriage` */
  withheldPackets = 0
  private readonly carriage?: Carriage
  /** Those that `carriage` was told of; bounded as the connections are */
  private readonly joined = new Set<Publication | PlayerSession>()
  private isEnding = false
  private readonly streams: StreamTable
  private readonly clock: Clock
  private readonly driver: MachineDriver<FanoutEffect, Fanout>
  /** Bounded as the fan-out's own */
  private readonly sinks = new Map<PlayerSession, PlayerSink>()
  private readonly sources = new Map<Publication, PublisherSource>()

  constructor (init: FanoutDriverInit) {
    this.streams = init.streams
    this.clock = init.clock
    this.carriage = init.carriage
    this.fanout = new Fanout(init, {
      toPlayer: (session, packet) => {
        const sink = this.sinks.get(session)
        return sink === undefined || !this.passes(this.carriage?.onSend(packet.length, sink.isOfMesh === true)) || sink.send(packet)
      }
    })
    this.driver = new MachineDriver({
      machine: this.fanout,
      clock: init.clock,
      perform: effect => {
        switch (effect.type) {
          case 'close-player':
            this.sinks.get(effect.session)?.close(effect.reason)
            break
          case 'close-publisher':
            this.sources.get(effect.publication)?.close(effect.reason)
            break
          default:
            init.onStale?.(effect.publication, effect.type === 'publisher-stale')
        }
      }
    })
  }

  admitPublisher (streamId: string): PublisherAdmission {
    const admission = this.carriage?.isOpen() === false ? OVERLOAD : admitPublisher(streamId, this.streams, this.fanout, this.clock.nowMs())
    this.count('publisher', admission)
    return admission
  }

  admitPlayer (streamId: string): PlayerAdmission {
    const admission = this.carriage?.isOpen() === false ? OVERLOAD : admitPlayer(streamId, this.streams, this.fanout)
    this.count('player', admission)
    return admission
  }

  /** Whether one more may play what is published under that id. */
  hasRoomFor (publisher: string): boolean {
    return this.carriage?.isOpen() !== false && this.fanout.playerVerdict(publisher) === 'free'
  }

  /** Players now, by how they are reached. */
  playersNow (): Record<'srt' | 'mesh', number> {
    const mesh = [...this.sinks.values()].filter(({ isOfMesh }) => isOfMesh === true).length
    return { srt: this.sinks.size - mesh, mesh }
  }

  /** `source` may be told to close at once. */
  addPublisher (publisher: string, source: PublisherSource): Publication {
    let publication!: Publication
    this.driver.input((fanout, nowMs) => {
      publication = fanout.onPublisher(publisher, nowMs)
      this.sources.set(publication, source)
    })
    this.join(publication, publisher, source)
    return publication
  }

  removePublisher (publication: Publication): void {
    this.sources.delete(publication)
    this.leave(publication)
    this.driver.input(fanout => { fanout.onPublisherClosed(publication) })
  }

  onPacket (publication: Publication, packet: Uint8Array): void {
    if (!this.passes(this.carriage?.onReceived(packet.length))) {
      return
    }
    this.driver.input((fanout, nowMs) => { fanout.onPacket(publication, packet, nowMs) })
  }

  /** `sink` may be told to close at once. */
  addPlayer (player: string, publisher: string, sink: PlayerSink): PlayerSession {
    let session!: PlayerSession
    this.driver.input((fanout, nowMs) => {
      session = fanout.onPlayer(player, publisher, nowMs)
      this.sinks.set(session, sink)
    })
    this.join(session, player, sink)
    return session
  }

  removePlayer (session: PlayerSession): void {
    this.sinks.delete(session)
    this.leave(session)
    this.driver.input(fanout => { fanout.onPlayerClosed(session) })
  }

  onWritable (session: PlayerSession): void {
    this.driver.input(fanout => { fanout.onWritable(session) })
  }

  onRevoked ({ player, publisher }: Pick<StreamEntry, 'player' | 'publisher'>): void {
    this.driver.input(fanout => { fanout.onRevoked(player, publisher, this.streams.hasPublisher(publisher)) })
  }

  /** Ends all connections, in a moment; new ones are let in as before. */
  end (reason: CloseReason): void {
    if (this.isEnding) {
      return
    }
    this.isEnding = true
    // whoever asks may be in the middle of handing a packet on
    queueMicrotask(() => {
      this.isEnding = false
      for (const one of [...this.sources.values(), ...this.sinks.values()]) {
        one.close(reason)
      }
    })
  }

  /** Nothing goes in or out after this. */
  stop (): void {
    this.driver.stop()
    this.sinks.clear()
    this.sources.clear()
  }

  private passes (verdict: CarriageVerdict = 'pass'): boolean {
    if (verdict === 'pass') {
      return true
    }
    this.withheldPackets++
    if (verdict === 'stop') {
      this.end('limit')
    }
    return false
  }

  private join (one: Publication | PlayerSession, who: string, end: PlayerSink | PublisherSource): void {
    if (this.carriage === undefined) {
      return
    }
    if (this.carriage.onJoined(who)) {
      this.joined.add(one)
    } else {
      queueMicrotask(() => { end.close('limit') }) // it is not handed out yet
    }
  }

  private leave (one: Publication | PlayerSession): void {
    if (this.joined.delete(one)) {
      this.carriage?.onLeft()
    }
  }

  private count (role: StreamRole, admission: PublisherAdmission | PlayerAdmission): void {
    if (admission.type === 'refuse') {
      const { [role]: counts } = this.refused
      counts[admission.reason] = (counts[admission.reason] ?? 0) + 1
    }
  }
}
