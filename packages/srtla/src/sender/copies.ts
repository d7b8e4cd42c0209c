/** Drops byte-identical copies of packets: receivers send the same ACK over all links, and the same NAK over some. */

/** ACKs come every 10 ms and NAKs as often: the copies that take 2.5 s longer than the first are known. */
const REMEMBERED = 512

/**
 * Goes by the length and two sums of 32 bits. Two packets that differ have the same ones once in 2^64; what would be lost then is one ACK or NAK, and
 * SRT repeats both.
 */
export class Copies {
  private readonly sums = new Int32Array(REMEMBERED)
  private readonly others = new Int32Array(REMEMBERED)
  private readonly lengths = new Uint16Array(REMEMBERED)
  private next = 0

  /** Whether it came before; it has come now. */
  isCopy (bytes: Uint8Array, length: number): boolean {
    let sum = 0x811c9dc5
    let other = 0x9e3779b9
    for (let i = 0; i < length; i++) {
      const byte = bytes[i] as number
      sum = Math.imul(sum ^ byte, 0x01000193) // FNV-1a
      other = Math.imul(other, 31) + byte | 0
    }
    for (let i = 0; i < REMEMBERED; i++) {
      if (this.sums[i] === sum && this.others[i] === other && this.lengths[i] === length) {
        return true
      }
    }
    this.sums[this.next] = sum
    this.others[this.next] = other
    this.lengths[this.next] = length
    this.next = (this.next + 1) % REMEMBERED
    return false
  }
}
