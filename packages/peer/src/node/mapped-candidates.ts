/** Addresses of mapped ports, each of which has to be dialled by somebody before it is told to anybody. */
import { deadline } from '@skein/core'
import type { Cancel, Clock } from '@skein/core'
import type { RouterMapping } from '@skein/reachability/port-mapping'
import type { AddressReachability } from '@skein/supernode'
import type { DialBackResult, MappedPort } from '../paths/mapped-port.ts'

export interface MappedCandidatesInit {
  ask: (addresses: readonly string[], signal: AbortSignal) => Promise<ReadonlyArray<Pick<AddressReachability, 'address' | 'byVerifier'>>>
  /** Somebody came in there */
  onOpen: (candidate: MappedCandidate) => void
  /** Nobody does any more; also when it is given up by the router */
  onClosed: (candidate: MappedCandidate) => void
  /** After either of the two */
  onChange: (port: MappedPort) => void
  clock: Clock
}

export interface MappedCandidate {
  mapping: RouterMapping
  port: MappedPort
}

const ASK_TIMEOUT_MS = 30_000
/** An address that is good is dialled again so often, ms. */
const RECHECK_MS = 600_000
/** While nobody came, ms: at first, and doubled each time until it is as often as the others. Who dials back lets a network ask once a minute. */
const RETRY_MS = 20_000

export class MappedCandidates {
  readonly counters: Record<DialBackResult, number> = { reached: 0, failed: 0, unknown: 0 }
  private readonly init: MappedCandidatesInit
  /** By address outside; as many as ports are mapped, which are four */
  private readonly candidates = new Map<string, MappedCandidate>()
  private stopping = new AbortController()
  private cancelAsk: Cancel | undefined
  private isAsking = false
  private isAskedAgain = false
  private fruitless = 0

  constructor (init: MappedCandidatesInit) {
    this.init = init
  }

  get ports (): MappedPort[] {
    return [...this.candidates.values()].map(({ port }) => ({ ...port }))
  }

  /** @param suffix what is spoken at the port: nothing, or `/ws` */
  add (mapping: RouterMapping, suffix: string): void {
    const { protocol, internalPort, externalAddress, externalPort } = mapping
    const address = `/ip4/${externalAddress}/tcp/${externalPort}${suffix}`
    this.candidates.set(keyOf(mapping), { mapping, port: { address, protocol, internalPort, isConfirmed: false } })
    this.fruitless = 0
    this.askIn(0)
  }

  remove (mapping: RouterMapping): void {
    const candidate = this.candidates.get(keyOf(mapping))
    this.candidates.delete(keyOf(mapping))
    if (candidate !== undefined) {
      this.setConfirmed(candidate, false)
    }
  }

  stop (): void {
    this.stopping.abort(new Error('This peer is stopping'))
    this.stopping = new AbortController()
    this.cancelAsk?.()
  }

  private askIn (delayMs: number): void {
    const { clock } = this.init
    this.cancelAsk?.()
    if (this.isAsking) {
      this.isAskedAgain = true
    } else {
      this.cancelAsk = clock.schedule(clock.nowMs() + delayMs, () => { void this.ask() })
    }
  }

  private async ask (): Promise<void> {
    const asked = [...this.candidates.values()]
    if (asked.length === 0) {
      return
    }
    this.isAsking = true
    this.isAskedAgain = false
    const { signal } = this.stopping
    const limit = deadline(this.init.clock, ASK_TIMEOUT_MS, [signal])
    try {
      const answers = await this.init.ask(asked.map(({ port }) => port.address), limit.signal)
      asked.forEach(candidate => { this.judge(candidate, answers.find(({ address }) => address === candidate.port.address)?.byVerifier ?? []) })
    } catch {
      this.counters.unknown += asked.length
    } finally {
      limit.clear()
      this.isAsking = false
    }
    if (signal.aborted) {
      return
    }
    const isDone = [...this.candidates.values()].every(({ port }) => port.isConfirmed)
    this.fruitless = isDone ? 0 : this.fruitless + 1
    this.askIn(this.isAskedAgain ? 0 : isDone ? RECHECK_MS : Math.min(RECHECK_MS, RETRY_MS * 2 ** (this.fruitless - 1)))
  }

  /**
   * One who came is enough: the address is what the router says, and a liar who says he dialled it would cost others a dial. One who did not is too
   * few to say anything against one who did.
   */
  private judge (candidate: MappedCandidate, answers: AddressReachability['byVerifier']): void {
    const result = answers.some(({ said }) => said === 'reached') ? 'reached' : answers.some(({ said }) => said === 'failed') ? 'failed' : 'unknown'
    this.counters[result]++
    if (result !== 'unknown' && this.candidates.get(keyOf(candidate.mapping)) === candidate) {
      this.setConfirmed(candidate, result === 'reached')
    }
  }

  private setConfirmed (candidate: MappedCandidate, isConfirmed: boolean): void {
    if (candidate.port.isConfirmed === isConfirmed) {
      return
    }
    candidate.port.isConfirmed = isConfirmed
    if (isConfirmed) {
      this.init.onOpen(candidate)
    } else {
      this.init.onClosed(candidate)
    }
    this.init.onChange({ ...candidate.port })
  }
}

function keyOf ({ externalAddress, externalPort }: RouterMapping): string {
  return `${externalAddress}:${externalPort}`
}
