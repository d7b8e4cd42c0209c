/** Keeps links in the group: joins, keepalives that measure round trips and tell the receiver of the link. */
import { encodeBare, encodeRegistration, KEEPALIVE, KEEPALIVE_BYTES, REG1, REG2, writeKeepalive } from '../packet.ts'
import { joinDelayMs } from './registration.ts'
import type { SenderLink } from './link.ts'
import type { LinkRule } from './link-rule.ts'
import type { Registration } from './registration.ts'
import type { SentLog } from './sent-log.ts'

export interface UpkeepInit {
  log: SentLog
  rule: LinkRule
  registration: Registration
  /** Short keepalives, and only when nothing else is sent */
  isClassic: boolean
  padded: boolean | undefined
  /** The bytes are reused after the call */
  send: (link: SenderLink, bytes: Uint8Array, nowMs: number) => void
}

const KEEPALIVE_MS = 1_000

export class Upkeep {
  private readonly init: UpkeepInit
  private readonly bareKeepalive: Uint8Array
  private readonly keepalive = new Uint8Array(KEEPALIVE_BYTES)

  constructor (init: UpkeepInit) {
    this.init = init
    this.bareKeepalive = encodeBare(KEEPALIVE, init)
  }

  /** REG2 on that link, or REG1 while it is the one that asks for the group. */
  join (link: SenderLink, nowMs: number): void {
    const { registration, send } = this.init
    if (link.state !== 'up') {
      link.joinTries++
      link.nextJoinMs = nowMs + joinDelayMs(link.joinTries)
    }
    send(link, encodeRegistration(registration.isAskingOn(link, nowMs) ? REG1 : REG2, registration.id), nowMs)
  }

  /** A keepalive, when one is due: each second, and at each look while the link has stopped to deliver. */
  keepAlive (link: SenderLink, nowMs: number): void {
    const { isClassic, rule } = this.init
    const sinceMs = isClassic ? link.lastSentMs : link.toldMs
    if (nowMs - sinceMs >= KEEPALIVE_MS || rule.isStalled(link, nowMs)) {
      this.sendKeepalive(link, nowMs)
    }
  }

  sendKeepalive (link: SenderLink, nowMs: number): void {
    const { isClassic, log, send } = this.init
    if (isClassic) {
      send(link, this.bareKeepalive, nowMs)
      return
    }
    const elapsedMs = nowMs - link.toldMs
    writeKeepalive(this.keepalive, {
      timeMs: Math.max(1, Math.round(nowMs)),
      connection: link.slot,
      window: Math.round(link.path.window * 1_000),
      inFlight: log.inFlight[link.slot] as number,
      rttMs: Math.round(link.path.srttMs ?? 0),
      naks: link.losses,
      bytesPerSecond: elapsedMs > 0 ? Math.round((link.bytes - link.toldBytes) * 1_000 / elapsedMs) : 0
    })
    link.toldMs = nowMs
    link.toldBytes = link.bytes
    send(link, this.keepalive, nowMs)
  }
}
