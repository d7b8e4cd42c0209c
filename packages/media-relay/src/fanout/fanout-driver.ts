/** Gives a fan-out its connections, whatever they are made of: SRT, or streams of the mesh. */
import { MachineDriver } from '@skein/core'
import { admitPlayer, admitPublisher } from '../admission.ts'
import { Fanout } from './fanout.ts'
import type { Clock } from '@skein/core'
import type { PlayerAdmission, PublisherAdmission } from '../admission.ts'
import type { StreamEntry, StreamTable } from '../stream-table.ts'
import type { CloseReason, FanoutEffect, FanoutInit } from './fanout.ts'
import type { PlayerSession } from './player-session.ts'
import type { Publication } from './publication.ts'

/** Where packets for one player go. */
export interface PlayerSink {
  /** Takes the packet, or says that it does not; the bytes must not be changed */
  send: (packet: Uint8Array) => boolean
  close: (reason: CloseReason) => void
}

/** Where packets come from. */
export interface PublisherSource {
  close: (reason: CloseReason) => void
}

export interface FanoutDriverInit extends FanoutInit {
  streams: StreamTable
  clock: Clock
  /** A publisher went silent, or sends again */
  onStale?: (publication: Publication, isStale: boolean) => void
}

export class FanoutDriver {
  readonly fanout: Fanout
  private readonly streams: StreamTable
  private readonly clock: Clock
  private readonly driver: MachineDriver<FanoutEffect, Fanout>
  /** Bounded as the fan-out's own */
  private readonly sinks = new Map<PlayerSession, PlayerSink>()
  private readonly sources = new Map<Publication, PublisherSource>()

  constructor (init: FanoutDriverInit) {
    this.streams = init.streams
    this.clock = init.clock
    this.fanout = new Fanout(init, { toPlayer: (session, packet) => this.sinks.get(session)?.send(packet) ?? true })
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
    return admitPublisher(streamId, this.streams, this.fanout, this.clock.nowMs())
  }

  admitPlayer (streamId: string): PlayerAdmission {
    return admitPlayer(streamId, this.streams, this.fanout)
  }

  /** `source` may be told to close at once. */
  addPublisher (publisher: string, source: PublisherSource): Publication {
    let publication!: Publication
    this.driver.input((fanout, nowMs) => {
      publication = fanout.onPublisher(publisher, nowMs)
      this.sources.set(publication, source)
    })
    return publication
  }

  removePublisher (publication: Publication): void {
    this.sources.delete(publication)
    this.driver.input(fanout => { fanout.onPublisherClosed(publication) })
  }

  onPacket (publication: Publication, packet: Uint8Array): void {
    this.driver.input((fanout, nowMs) => { fanout.onPacket(publication, packet, nowMs) })
  }

  /** `sink` may be told to close at once. */
  addPlayer (player: string, publisher: string, sink: PlayerSink): PlayerSession {
    let session!: PlayerSession
    this.driver.input((fanout, nowMs) => {
      session = fanout.onPlayer(player, publisher, nowMs)
      this.sinks.set(session, sink)
    })
    return session
  }

  removePlayer (session: PlayerSession): void {
    this.sinks.delete(session)
    this.driver.input(fanout => { fanout.onPlayerClosed(session) })
  }

  onWritable (session: PlayerSession): void {
    this.driver.input(fanout => { fanout.onWritable(session) })
  }

  onRevoked ({ player, publisher }: StreamEntry): void {
    this.driver.input(fanout => { fanout.onRevoked(player, publisher, this.streams.hasPublisher(publisher)) })
  }

  /** Nothing goes in or out after this. */
  stop (): void {
    this.driver.stop()
    this.sinks.clear()
    this.sources.clear()
  }
}
