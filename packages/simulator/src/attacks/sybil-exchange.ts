/** Peer exchange among Sybils, in typed arrays: they answer each question with Sybils, and ask, telling of Sybils, as often as they are let. */
import { EXCHANGE_BOUNDS } from '@skein/pex'
import { RandomStream } from '../engine/random-stream.ts'
import { CheckedExchange, FIRST_STRANGER } from '../exchange/checked-exchange.ts'
import { RecordMessage } from '../exchange/record-message.ts'

export interface SybilExchangeInit {
  seed: number
  honest: number
  sybils: number
  /** /24s that the Sybils are in */
  subnets: number
  viewSize: number
  sourceShare?: number
  networkShare?: number
  /** Questions of Sybils that an honest node gets in a minute; each Sybil asks it once at most */
  pushes: number
  /** Honest nodes that all know at their start */
  known: number
  /** Takes this random stream and the next */
  stream: number
}

export interface SybilShares {
  /** Of each honest node, the share of its view that are Sybils */
  shares: Float64Array
  /** Entries of a view, on average */
  entries: number
  /** Honest nodes that can be reached from the first along views, by their share */
  reached: number
  /** Of the questions of honest nodes to honest ones, those refused for load */
  refused: number
}

const STEPS = 60
const MINUTE_MS = 60_000
const HONEST_OF_NETWORK = 3

export class SybilExchange {
  readonly kernel: CheckedExchange
  private readonly init: SybilExchangeInit
  private readonly draws: RandomStream
  private readonly message = new RecordMessage()
  private pushed = 0
  private minute = 0

  constructor (init: SybilExchangeInit) {
    const { seed, honest, sybils, subnets, viewSize, known, stream } = init
    this.init = init
    this.draws = new RandomStream(seed, stream + 1)
    this.kernel = new CheckedExchange({
      seed,
      stream,
      slots: honest,
      viewSize,
      ...(init.sourceShare === undefined ? {} : { sourceShare: init.sourceShare }),
      ...(init.networkShare === undefined ? {} : { networkShare: init.networkShare }),
      networkOf: peer => peer >= FIRST_STRANGER ? honest + (peer - FIRST_STRANGER) % subnets : Math.floor(peer / HONEST_OF_NETWORK),
      ...(sybils === 0 ? {} : { answer: (peer: number, _from: number, message: RecordMessage, nowMs: number) => { this.tell(peer, message, nowMs) } })
    })
    const starts = Array.from({ length: known }, (_, i) => i)
    for (let slot = 0; slot < honest; slot++) {
      this.kernel.start(slot, starts.filter(other => other !== slot))
    }
  }

  runMinute (onStep: () => void = () => {}): void {
    const { kernel, init: { honest, sybils, pushes } } = this
    const most = Math.min(pushes, sybils)
    for (let step = 0; step < STEPS; step++) {
      kernel.run(this.minute * MINUTE_MS + (step + 1) * MINUTE_MS / STEPS)
      const [from, to] = [Math.floor(most * step / STEPS), Math.floor(most * (step + 1) / STEPS)]
      for (let slot = 0; slot < honest; slot++) {
        for (let i = from; i < to; i++) {
          // another Sybil each time within a minute
          const sybil = FIRST_STRANGER + (slot * 7919 + i) % sybils
          this.tell(sybil, this.message, kernel.nowMs)
          kernel.hear(sybil, slot, this.message, 1)
        }
      }
      onStep()
    }
    this.minute++
  }

  measure (): SybilShares {
    const { kernel: { views, totals }, init: { honest, viewSize } } = this
    const shares = new Float64Array(honest)
    let entries = 0
    for (let slot = 0; slot < honest; slot++) {
      const view = views.peers.subarray(slot * viewSize, slot * viewSize + (views.length[slot] as number))
      shares[slot] = view.reduce((sum, peer) => sum + (peer >= FIRST_STRANGER ? 1 : 0), 0) / Math.max(1, view.length)
      entries += view.length / honest
    }
    return { shares, entries, reached: this.reach() / honest, refused: totals.refused / Math.max(1, totals.asks) }
  }

  /** Its own record, and others drawn at random. */
  private tell (sybil: number, message: RecordMessage, nowMs: number): void {
    const { sybils } = this.init
    message.length = 0
    message.add(sybil, nowMs)
    const first = this.draws.uint32(sybil - FIRST_STRANGER, this.pushed++)
    // a stretch of Sybils that begins anywhere: no two of them are the same
    for (let i = 0; message.length < Math.min(EXCHANGE_BOUNDS.maxAdded, sybils); i++) {
      const other = FIRST_STRANGER + (first + i) % sybils
      if (other !== sybil) {
        message.add(other, nowMs)
      }
    }
  }

  private reach (): number {
    const { kernel: { views }, init: { honest, viewSize } } = this
    const seen = new Uint8Array(honest)
    const queue = new Int32Array(honest)
    let found = 1
    seen[0] = 1
    for (let done = 0; done < found; done++) {
      const slot = queue[done] as number
      for (let place = 0; place < (views.length[slot] as number); place++) {
        const peer = views.peers[slot * viewSize + place] as number
        if (peer < FIRST_STRANGER && seen[peer] === 0) {
          seen[peer] = 1
          queue[found++] = peer
        }
      }
    }
    return found
  }
}
