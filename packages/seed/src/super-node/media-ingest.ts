/**
 * The ingest of a super-node: takes streams of encoders in, over one link or several (SRTLA), and hands them to peers of the mesh and to players,
 * within what its owner gives.
 *
 * Each packet of media is asked for as it comes in and as it goes out, with the headers before it; what SRT sends again is measured, and counts
 * later. SRT's reports, some percent, are not known here.
 */
import { MediaSource } from '@skein/media-relay/libp2p'
import { createMediaRelay } from '@skein/media-relay/node'
import type { Libp2p } from '@libp2p/interface'
import type { Clock } from '@skein/core'
import type { Carriage, CarriageVerdict, IngestTableInit, StreamEntry } from '@skein/media-relay'
import type { MediaRelay, MediaRelayInit } from '@skein/media-relay/node'
import type { SessionPlacesInit } from '@skein/supernode'
import type { SessionIngest } from '@skein/supernode/libp2p'
import { sessionStreams } from './session-streams.ts'
import type { ByteAnswer } from '../relay/relay-allowance.ts'
import type { CarriedLoad } from './carried-load.ts'

/** Ports and keys are as of `@skein/media-relay`. */
export interface MediaIngestInit extends Omit<MediaRelayInit, 'carriage' | 'clock' | 'random' | 'onProblem'>, Omit<IngestTableInit, 'graceMs'> {
  /** Streams beside those that peers ask for @default [] */
  streams?: StreamEntry[]
  /** Sessions of the mesh, whose holder has a place here for as long as it is renewed @default 8 places */
  sessions?: false | Partial<SessionPlacesInit>
}

export interface MediaStatus {
  /** UDP ports of encoders, by SRTLA and by SRT, and of players */
  srtlaPort: number
  publisherPort: number
  playerPort: number
  publishers: number
  players: { srt: number, mesh: number }
  /** Streams that peers have asked for */
  ingests: number
  /** Of media, since the start */
  receivedBytes: number
  sentBytes: number
  /** Packets for players that are too slow, and packets beyond what the owner gives */
  droppedPackets: number
  withheldPackets: number
}

interface MediaIngestParts {
  libp2p: Libp2p
  carried: CarriedLoad
  /** Whether somebody new is taken */
  isOpen: () => boolean
  clock: Clock
  onProblem: (message: string) => void
}

/** A super-node at home carries some streams of 8 Mbit/s. */
const SESSION_PLACES = 8
/** IP, UDP and SRT before a packet of media. */
const DATAGRAM_BYTES = 20 + 8 + 16
/** IP, TCP, Noise and yamux, and the message it is in. */
const MESSAGE_BYTES = 20 + 32 + 16 + 12 + 6

export class MediaIngest {
  readonly relay: MediaRelay
  private readonly source: MediaSource
  private readonly places: false | Partial<SessionPlacesInit>

  private constructor (relay: MediaRelay, source: MediaSource, places: false | Partial<SessionPlacesInit>) {
    this.relay = relay
    this.source = source
    this.places = places
  }

  /**
   * @throws {MediaListenError | SrtlaListenError | StatsListenError} when a port cannot be had
   * @throws {RelayFileError} when the file of stream ids cannot be used
   */
  static async open (init: MediaIngestInit, { libp2p, carried, isOpen, clock, onProblem }: MediaIngestParts): Promise<MediaIngest> {
    const { maxIngests, maxPerPeer, streams = [], sessions = {}, ...relayInit } = init
    const relay = await createMediaRelay({ ...relayInit, carriage: carriageOf(carried, isOpen), clock, onProblem })
    try {
      for (const entry of streams) {
        await relay.book.addStream(entry)
      }
      const { srtlaPort, publisherPort } = relay
      const source = new MediaSource({
        libp2p,
        fanout: relay.fanout,
        clock,
        ingest: {
          streams: relay.book.streams,
          srtlaPort,
          publisherPort,
          ...maxIngests !== undefined && { maxIngests },
          ...maxPerPeer !== undefined && { maxPerPeer }
        }
      })
      await source.start()
      return new MediaIngest(relay, source, sessions)
    } catch (error) {
      await relay.stop()
      throw error
    }
  }

  status (): MediaStatus {
    const { relay: { srtlaPort = 0, publisherPort, playerPort, fanout }, source } = this
    const { counters, publisherCount } = fanout.fanout
    return {
      srtlaPort,
      publisherPort,
      playerPort,
      publishers: publisherCount,
      players: fanout.playersNow(),
      ingests: source.ingestCount,
      receivedBytes: counters.receivedBytes,
      sentBytes: counters.sentBytes,
      droppedPackets: counters.droppedPackets,
      withheldPackets: fanout.withheldPackets
    }
  }

  /** For the sessions of the mesh, when they are taken; `addresses` are where others dial this node, multiaddr texts, best first. */
  sessions (addresses: () => readonly string[]): SessionIngest | undefined {
    const { srtlaPort, playerPort, book } = this.relay
    return this.places === false || srtlaPort === undefined ? undefined : sessionStreams({
      capacity: SESSION_PLACES, ...this.places, book, addresses, ports: () => ({ srtlaPort, playerPort })
    })
  }

  /** Whether a peer of the mesh gets something from here. */
  serves (peer: string): boolean {
    return this.source.serves(peer)
  }

  /** Ends all connections of media. */
  end (): void {
    this.relay.fanout.end('limit')
  }

  async stop (): Promise<void> {
    await this.source.stop()
    await this.relay.stop()
  }
}

function carriageOf (carried: CarriedLoad, isOpen: () => boolean): Carriage {
  return {
    isOpen,
    onJoined: who => carried.onCircuit(who),
    onLeft: () => { carried.onCircuitEnded() },
    onReceived: bytes => verdictOf(carried.onReceived(bytes + DATAGRAM_BYTES)),
    onSend: (bytes, isOfMesh) => verdictOf(carried.onSent(bytes + (isOfMesh ? MESSAGE_BYTES : DATAGRAM_BYTES)))
  }
}

/** A packet of live media that would have to wait is of no use later. */
function verdictOf ({ type }: ByteAnswer): CarriageVerdict {
  return type === 'wait' ? 'drop' : type
}
