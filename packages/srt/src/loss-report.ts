/**
 * What a negative acknowledgement lists: single sequence numbers, and ranges of which the first has bit 31 set
 * (draft-sharabayko-srt-01, §3.2.5, appendix A).
 */
import { wordsPacket } from './control-packet.ts'
import type { ControlHeader } from './control-packet.ts'
import { CONTROL_TYPES, HEADER_BYTES, readUint32 } from './packet-header.ts'
import { sequenceDistance } from './sequence.ts'

/** As many words as fit a packet of 1,316 bytes, so that a report passes where data passes. */
export const MAX_REPORT_WORDS = 320

const RANGE = 0x80000000

/** Collects what is missing, in order; `isFull` when the next range might not fit. */
export class LossReport {
  private readonly words: number[] = []

  add (first: number, last: number): void {
    if (first === last) {
      this.words.push(first)
    } else {
      this.words.push((RANGE | first) >>> 0, last)
    }
  }

  get isEmpty (): boolean {
    return this.words.length === 0
  }

  get isFull (): boolean {
    return this.words.length > MAX_REPORT_WORDS - 2
  }

  toPacket (header: ControlHeader): Uint8Array {
    return wordsPacket(CONTROL_TYPES.nak, this.words, header)
  }
}

/** Calls `visit` for each range of the report; false, at the first word that makes no sense. */
export function readLossReport (packet: Uint8Array, visit: (first: number, last: number) => void): boolean {
  for (let at = HEADER_BYTES; at + 4 <= packet.length; at += 4) {
    const word = readUint32(packet, at)
    if (word < RANGE) {
      visit(word, word)
      continue
    }
    at += 4
    if (at + 4 > packet.length) {
      return false
    }
    const first = word & 0x7fffffff
    const last = readUint32(packet, at)
    if (last >= RANGE || sequenceDistance(first, last) < 0) {
      return false
    }
    visit(first, last)
  }
  return true
}
