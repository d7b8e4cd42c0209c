/** The sender's way into a group: asks on one link, then has all links join. */
import { randomBytes } from '@skein/core'
import { HALF_ID_BYTES, ID_BYTES, idsEqual } from '../packet.ts'
import type { Random } from '@skein/core'
import type { SenderLink } from './link.ts'

/** How long an answer to REG1 is waited for. */
const ANSWER_MS = 4_000
const MIN_BACK_OFF_MS = 5_000
const MAX_BACK_OFF_MS = 120_000
/** A link that joins is tried every half second so often, as packets are lost, then every second, then ever more seldom. */
const FIRST_TRIES = 4
const FIRST_MS = 500
const QUICK_TRIES = 30
const QUICK_MS = 1_000

export class Registration {
  id: Uint8Array
  private readonly random: Random
  private asking: { link: SenderLink, sinceMs: number } | undefined
  private refusals = 0
  private notBeforeMs = -Infinity

  constructor (random: Random) {
    this.random = random
    this.id = randomBytes(random, ID_BYTES)
  }

  /** Whether that link has to send REG1 now rather than REG2. */
  isAskingOn (link: SenderLink, nowMs: number): boolean {
    if (this.asking !== undefined && nowMs - this.asking.sinceMs >= ANSWER_MS) {
      this.asking = undefined
    }
    return this.asking?.link === link
  }

  /** The receiver knows no such group; `true` when one is to be asked for on that link. */
  onNoGroup (link: SenderLink, someLinkIsUp: boolean, nowMs: number): boolean {
    if (someLinkIsUp || nowMs < this.notBeforeMs || (this.asking !== undefined && nowMs - this.asking.sinceMs < ANSWER_MS)) {
      return false
    }
    this.asking = { link, sinceMs: nowMs }
    return true
  }

  /** REG2: `true` when it is the answer to what was asked, and all links are to join. */
  onGroup (link: SenderLink, id: Uint8Array): boolean {
    if (this.asking?.link !== link || !idsEqual(id, this.id, HALF_ID_BYTES)) {
      return false
    }
    this.id = id.slice()
    this.asking = undefined
    this.refusals = 0
    return true
  }

  /** REG_ERR on that link; `true` when it was about the group. */
  onRefused (link: SenderLink, nowMs: number): boolean {
    if (this.asking?.link !== link) {
      return false
    }
    this.asking = undefined
    this.notBeforeMs = nowMs + Math.min(MAX_BACK_OFF_MS, MIN_BACK_OFF_MS * 2 ** this.refusals++)
    // some receivers refuse a half id that they have answered once, until they forget it
    this.id = randomBytes(this.random, ID_BYTES)
    return true
  }

  onLinkRemoved (link: SenderLink): void {
    if (this.asking?.link === link) {
      this.asking = undefined
    }
  }
}

/** How long a link waits after it has tried to join for that many times. */
export function joinDelayMs (tries: number): number {
  if (tries <= FIRST_TRIES) {
    return FIRST_MS
  }
  return tries <= QUICK_TRIES ? QUICK_MS : Math.min(MAX_BACK_OFF_MS, MIN_BACK_OFF_MS * 2 ** (tries - QUICK_TRIES - 1))
}
