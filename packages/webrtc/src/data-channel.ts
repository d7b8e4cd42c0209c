/**
 * Two sides agree on a WebRTC connection with one data channel (RFC 8831, RFC 9429): offer and answer, and candidates as they are found (RFC 8838).
 * The channel has number 0 on both sides, which saves the round trip in which it would be announced.
 */
import { WebRtcError } from './webrtc-error.ts'
import type { Signal, SignalStream } from './signal-stream.ts'

/** Of one side: a machine with many interfaces has a few dozen. */
const MAX_CANDIDATES = 64
const CANDIDATE_LINE = /^a=(?:candidate:.*|end-of-candidates)\r?\n/gm

export interface DataChannelInit {
  peerConnection: RTCPeerConnection
  signals: Pick<SignalStream, 'read' | 'write'>
  /** `offer`: this side speaks first */
  role: 'offer' | 'answer'
  signal: AbortSignal
}

/** @throws {WebRtcError} when the sides find no way to each other; what `signal` says when that fires */
export async function openDataChannel (init: DataChannelInit): Promise<RTCDataChannel> {
  const { peerConnection, signal } = init
  const opened = Promise.withResolvers<RTCDataChannel>()
  const reading = new AbortController()
  const onAbort = (): void => { opened.reject(signal.reason) }
  const onState = (): void => {
    if (peerConnection.connectionState === 'failed' || peerConnection.connectionState === 'closed') {
      opened.reject(new WebRtcError('No pair of candidates worked'))
    }
  }
  signal.addEventListener('abort', onAbort, { once: true })
  peerConnection.addEventListener('connectionstatechange', onState)
  const talk = new Negotiation(init, AbortSignal.any([signal, reading.signal]), channel => { opened.resolve(channel) })
  talk.run().catch(error => { opened.reject(error) })
  try {
    return await opened.promise
  } finally {
    reading.abort(new WebRtcError('The signals are over'))
    signal.removeEventListener('abort', onAbort)
    peerConnection.removeEventListener('connectionstatechange', onState)
  }
}

class Negotiation {
  private readonly init: DataChannelInit
  private readonly options: { signal: AbortSignal }
  private readonly onOpen: (channel: RTCDataChannel) => void
  /**
   * Candidates that were found before both descriptions were there. An answering side that knew them could be through to the offering one before that
   * one has taken the answer in, and libdatachannel 0.33 then refuses a certificate of which it does not know the fingerprint yet.
   */
  private held: Signal[] | undefined = []
  private sending = Promise.resolve()
  private sent = 0

  constructor (init: DataChannelInit, signal: AbortSignal, onOpen: (channel: RTCDataChannel) => void) {
    this.init = init
    this.options = { signal }
    this.onOpen = onOpen
    init.peerConnection.addEventListener('icecandidate', ({ candidate }) => {
      if (candidate !== null && candidate.candidate !== '' && this.sent++ < MAX_CANDIDATES) {
        const signal: Signal = { kind: 'candidate', text: candidate.candidate, mid: candidate.sdpMid ?? '0' }
        if (this.held === undefined) {
          this.send(signal)
        } else {
          this.held.push(signal)
        }
      }
    })
  }

  async run (): Promise<void> {
    const { peerConnection, role } = this.init
    if (role === 'offer') {
      this.open()
      const offer = await peerConnection.createOffer()
      await peerConnection.setLocalDescription(offer)
      this.describe('offer', offer)
      await this.hear('answer')
      this.release()
    } else {
      await this.hear('offer')
      this.open()
      const answer = await peerConnection.createAnswer()
      await peerConnection.setLocalDescription(answer)
      this.describe('answer', answer)
      this.release()
    }
    await this.hearCandidates()
  }

  private open (): void {
    const channel = this.init.peerConnection.createDataChannel('skein', { negotiated: true, id: 0 })
    channel.binaryType = 'arraybuffer'
    if (channel.readyState === 'open') {
      this.onOpen(channel)
    } else {
      channel.addEventListener('open', () => { this.onOpen(channel) }, { once: true })
    }
  }

  private describe (kind: 'offer' | 'answer', { sdp = '' }: RTCSessionDescriptionInit): void {
    this.send({ kind, text: sdp.replaceAll(CANDIDATE_LINE, '') })
  }

  private release (): void {
    const held = this.held ?? []
    this.held = undefined
    held.forEach(signal => { this.send(signal) })
  }

  private send (signal: Signal): void {
    this.sending = this.sending.then(async () => { await this.init.signals.write(signal, this.options) })
    this.sending.catch(() => {}) // the other side may have all it needs, and be gone
  }

  private async hear (kind: 'offer' | 'answer'): Promise<void> {
    const { kind: heard, text } = await this.init.signals.read(this.options)
    if (heard !== kind) {
      throw new WebRtcError(`${heard} came where ${kind} was due`)
    }
    await this.init.peerConnection.setRemoteDescription({ type: kind, sdp: text })
  }

  private async hearCandidates (): Promise<void> {
    const { signals, peerConnection } = this.init
    for (let heard = 0; heard < MAX_CANDIDATES; heard++) {
      let signal: Signal
      try {
        signal = await signals.read(this.options)
      } catch (error) {
        if (error instanceof WebRtcError) {
          throw error
        }
        return // no more signals: what was told has to do
      }
      // one of a kind that this side does not know is not the only one
      await peerConnection.addIceCandidate({ candidate: signal.text, sdpMid: signal.mid ?? '0' }).catch(() => {})
    }
  }
}
