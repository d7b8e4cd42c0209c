/** What a slot is called and by what its stream is let in, where no control plane keeps that: drawn from the user's key, the same at each start. */
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { slotName, streamToken, uniqueId } from '../session/random-name.ts'
import type { Random } from '@skein/core'

export interface SlotIdentity {
  sessionId: string
  name: string
  streamToken: string
}

const MAX_BYTES = 512

/**
 * @param secret - the private key, or another secret of 32 bytes or more that stays
 * @param slot - 0 to 99
 */
export function slotIdentity (secret: Uint8Array, slot: number): SlotIdentity {
  // HKDF (RFC 5869): what is drawn for one slot tells nothing of the key, nor of other slots
  const random = new DrawnBytes(hkdf(sha256, secret, undefined, new TextEncoder().encode(`skein mesh slot ${slot}`), MAX_BYTES))
  return { sessionId: uniqueId(random), name: slotName(random), streamToken: streamToken(random) }
}

class DrawnBytes implements Random {
  private readonly view: DataView
  private at = 0

  constructor (bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** 56 are needed, and each is drawn anew once in 10^8 times: 128 do not run out. */
  nextUint32 (): number {
    this.at += 4
    return this.view.getUint32(this.at - 4)
  }
}
