/** Drives `SessionPlaces` at a super-node: lets streams in and out at what carries them, and signs what it holds. */
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { MachineDriver } from '@skein/core'
import { signSessionLease } from '@skein/records'
import { SessionPlaces } from '../session-places.ts'
import type { PrivateKey } from '@libp2p/interface'
import type { Clock } from '@skein/core'
import type { StreamPlace } from '@skein/records'
import type { SessionAnswer, SessionQuestion } from '../pb/lease-exchange.ts'
import type { PlaceEffect, SessionPlacesInit, SessionVerdict } from '../session-places.ts'
import type { SessionAction } from '../session-question.ts'
import type { FenceMark, TermState } from '../super-node-term.ts'

/** What carries the streams of sessions at a super-node: a media ingest, and who is asked whether a token may stream. */
export interface SessionIngest extends SessionPlacesInit {
  /** Where streams are sent to and played from; `undefined` while there is nothing that would take them */
  place: () => Omit<StreamPlace, 'region'> | undefined
  /** From now on the token lets a stream in. One that throws, or rejects, has not taken it */
  admit: (stream: { sessionId: string, streamToken: string, fence: number }) => void | Promise<void>
  /** And from now on not; the stream that is there is ended */
  revoke: (stream: { sessionId: string, fence: number }) => unknown
}

export interface SessionDeskInit {
  ingest: SessionIngest
  region: string
  privateKey: PrivateKey
  /** The lease that was signed last */
  seat: () => FenceMark | undefined
  networkOf: (peer: string) => string | undefined
  clock: Clock
}

export class SessionDesk {
  private readonly init: SessionDeskInit
  private readonly holder: string
  private readonly driver: MachineDriver<PlaceEffect, SessionPlaces>
  /** Streams that are being let in, by session */
  private readonly admitting = new Map<string, Promise<boolean>>()
  private seat: TermState = 'idle'

  constructor (init: SessionDeskInit) {
    this.init = init
    this.holder = peerIdFromPrivateKey(init.privateKey).toString()
    this.driver = new MachineDriver({ machine: new SessionPlaces(init.ingest), clock: init.clock, perform: effect => { this.perform(effect) } })
  }

  /** Sessions that have a place here. */
  get taken (): number {
    return this.driver.machine.taken
  }

  start (): void {
    this.driver.input(machine => { machine.onSeat(this.seat) })
  }

  /** All are ended. */
  async stop (): Promise<void> {
    this.driver.input(machine => { machine.onStop() })
    await Promise.all(this.admitting.values())
  }

  onSeat (seat: TermState): void {
    this.seat = seat
    this.driver.input(machine => { machine.onSeat(seat) })
  }

  async answer (peer: string, question: SessionQuestion): Promise<Partial<SessionAnswer>> {
    const { ingest, networkOf } = this.init
    const place = ingest.place()
    const seat = this.init.seat()
    if (place === undefined || seat === undefined) {
      return { refusal: place === undefined ? 'unsupported' : 'no_seat' }
    }
    let verdict: SessionVerdict = { outcome: 'refused', refusal: 'busy' }
    const network = networkOf(peer)
    this.driver.input((machine, nowMs) => {
      const request = { ...question, action: question.action as SessionAction }
      verdict = machine.onRequest({ peer, ...network === undefined ? {} : { network } }, request, nowMs)
    })
    return await this.told(peer, question, verdict, { ...place, region: this.init.region }, seat)
  }

  private async told (
    owner: string, { session }: SessionQuestion, verdict: SessionVerdict, place: StreamPlace, seat: FenceMark
  ): Promise<Partial<SessionAnswer>> {
    if (verdict.outcome === 'given') {
      return {}
    }
    if (verdict.outcome === 'refused') {
      const { refusal, retryAfterMs = 0 } = verdict
      return { refusal, retryAfterMs: Math.ceil(retryAfterMs) }
    }
    const { sessionId, fence, issuedAtMs, expiresAtMs, leaving } = verdict
    if (await this.admitting.get(sessionId) === false) {
      return { refusal: 'full' }
    }
    const { envelope } = await signSessionLease({
      holder: this.holder, session, owner, fence, seat: { term: seat.term, fence: seat.fence }, place,
      issuedAtMs: Math.floor(issuedAtMs), expiresAtMs: Math.floor(expiresAtMs)
    }, this.init.privateKey)
    return { lease: envelope, leaving }
  }

  private perform (effect: PlaceEffect): void {
    const { sessionId, fence } = effect
    if (effect.type === 'admit') {
      const { streamToken } = effect
      this.inTurn(sessionId, async () => { await this.init.ingest.admit({ sessionId, streamToken, fence }) }, () => {
        this.driver.input(machine => { machine.onAdmitFailed(sessionId, fence) })
      })
    } else {
      this.inTurn(sessionId, async () => { await this.init.ingest.revoke({ sessionId, fence }) }, () => {})
    }
  }

  /** What is asked of one session's stream is done in its order. */
  private inTurn (sessionId: string, work: () => Promise<void>, onFailed: () => void): void {
    const before = this.admitting.get(sessionId) ?? Promise.resolve(true)
    const turn = before.then(work).then(() => true, () => {
      onFailed()
      return false
    })
    this.admitting.set(sessionId, turn)
    void turn.then(() => {
      if (this.admitting.get(sessionId) === turn) {
        this.admitting.delete(sessionId)
      }
    })
  }
}
