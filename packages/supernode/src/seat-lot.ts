/**
 * The lot that a candidate draws: −ln of a number that is uniform in 0 to 1 and that nobody can choose. Divided by the weight it is what candidates
 * are ordered by, the smallest first: weighted rendezvous hashing, which draws without replacement in proportion to weights (C. Schindelhauer and G.
 * Schomaker, "Weighted Distributed Hash Tables", SPAA 2005; P. Efraimidis and P. Spirakis, "Weighted random sampling with a reservoir", 2006).
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { crc32 } from '@skein/core'

export const DAY_MS = 86_400_000

const DOMAIN = 'skein super-node 1'
const BLOCK_BYTES = 64
/** A peer id as text has 46 to 62 bytes. */
const MAX_ID_BYTES = 128

export interface LotDraw {
  /** Short region name, `eu-west` */
  region: string
  /**
   * What nobody knew before that day; empty for none, and then ids can be ground for the lots of a day that is to come.
   *
   * @default () => ''
   */
  beaconOf?: (day: number) => string
}

/**
 * The day whose lot counts for a peer at a time. Each peer's day begins at an hour of its own, which its id gives (the CRC-32
 * of its last 8 bytes): if all drew at midnight, most seats would change hands in the same minute.
 */
export function lotDay (idBytes: Uint8Array, atMs: number): number {
  return Math.floor((atMs - crc32(idBytes.subarray(-8)) / 2 ** 32 * DAY_MS) / DAY_MS)
}

/** Draws the lots of one region at one time. */
export class SeatLots {
  private readonly draw: LotDraw
  private readonly atMs: number
  /** The hash after its first block, by day; there are two days at a time */
  private readonly states = new Map<number, ReturnType<typeof sha256.create>>()
  private readonly encoder = new TextEncoder()
  private readonly id = new Uint8Array(MAX_ID_BYTES)
  private readonly digest = new Uint8Array(32)
  private readonly view = new DataView(this.digest.buffer)
  private readonly work = sha256.create()

  constructor (draw: LotDraw, atMs: number) {
    this.draw = draw
    this.atMs = atMs
  }

  /** @throws {RangeError} for an id of more than 128 bytes */
  lotOf (peer: string): number {
    const { read, written } = this.encoder.encodeInto(peer, this.id)
    if (read < peer.length) {
      throw new RangeError(`A peer id has at most ${MAX_ID_BYTES} bytes as text: ${peer.slice(0, 64)}…`)
    }
    const id = this.id.subarray(0, written)
    // `clone()` would make an object for each candidate, half of the time of an election
    this.stateOf(lotDay(id, this.atMs))['_cloneInto'](this.work).update(id).digestInto(this.digest)
    return -Math.log((this.view.getUint32(0) * 0x10000 + this.view.getUint16(4) + 0.5) / 2 ** 48)
  }

  /** The first block is SHA-256(domain, beacon, region, day), filled up with zeros as HMAC does with a key: it is hashed once for all candidates. */
  private stateOf (day: number): ReturnType<typeof sha256.create> {
    let state = this.states.get(day)
    if (state === undefined) {
      const beacon = this.draw.beaconOf?.(day) ?? ''
      const block = new Uint8Array(BLOCK_BYTES)
      block.set(sha256(this.encoder.encode([DOMAIN, beacon, this.draw.region, day].join('\n'))))
      state = sha256.create().update(block)
      this.states.set(day, state)
    }
    return state
  }
}
