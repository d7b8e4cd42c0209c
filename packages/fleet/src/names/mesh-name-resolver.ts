/** Finds where a name of the mesh points: asks the peers closest to it for what its owner signed. */
import { deadline, DeadlineError } from '@skein/core'
import { systemClock } from '@skein/core/system'
import { nameModel, parseMeshName, recordOf } from './mesh-name.ts'
import { NameBook } from './name-book.ts'
import type { Clock } from '@skein/core'
import type { ModelRouting } from '@skein/routing/libp2p'
import type { MeshName, NameRecord } from './mesh-name.ts'

export interface MeshNameResolverInit {
  /** `libp2p.services.routing` of a peer. What this peer publishes itself it does not find */
  routing: Pick<ModelRouting, 'findModel'>
  /** For the whole search, ms @default 10_000 */
  timeoutMs?: number
  /** @default systemClock() */
  clock?: Clock
}

/** Nobody holds a record of that name, or of that owner. */
export class NameNotFoundError extends Error {
  static override name = 'NameNotFoundError'
  override readonly name = 'NameNotFoundError'
  readonly meshName: string
  /** Records that were found and say no host */
  readonly refused: number

  constructor (name: string, refused: number) {
    const why = refused === 0 ? 'A name is gone two minutes after its owner has stopped' : `${refused} records of it say no host, and were refused`
    super(`${name} points nowhere in this mesh. ${why}`)
    this.meshName = name
    this.refused = refused
  }
}

/** It pointed somewhere, and its owner has not renewed that. */
export class NameExpiredError extends Error {
  static override name = 'NameExpiredError'
  override readonly name = 'NameExpiredError'
  readonly record: NameRecord

  constructor (record: NameRecord, nowMs: number) {
    const seconds = Math.round((nowMs - record.expiresAtMs) / 1_000)
    super(`${record.name} pointed to ${record.host} until ${seconds} s ago: its owner has stopped, or is cut off`)
    this.record = record
  }
}

/** Several peers say the name: which is meant must be said. */
export class NameAmbiguousError extends Error {
  static override name = 'NameAmbiguousError'
  override readonly name = 'NameAmbiguousError'
  readonly records: NameRecord[]

  constructor (name: string, records: NameRecord[]) {
    const some = records.slice(0, 5).map(({ owner, host }) => `${name}.${owner} (${host})`).join(', ')
    super(`${records.length} peers say ${name}: ask for the one that you mean: ${some}${records.length > 5 ? ', …' : ''}`)
    this.records = records
  }
}

/** As many as a holder keeps under a key are told. */
const MAX_ANSWERED = 100
const MAX_RECORDS = 512

export class MeshNameResolver {
  private readonly init: MeshNameResolverInit
  private readonly clock: Clock
  private readonly book = new NameBook()

  constructor (init: MeshNameResolverInit) {
    this.init = init
    this.clock = init.clock ?? systemClock()
  }

  /**
   * @param text - `k7mx2p9a`, or `k7mx2p9a.PEER` for that of one owner
   * @throws {NameSyntaxError | NameNotFoundError | NameExpiredError | NameAmbiguousError}
   */
  async resolve (text: string, options: { signal?: AbortSignal } = {}): Promise<NameRecord> {
    const wanted = parseMeshName(text)
    const refused = await this.search(wanted, options.signal)
    const nowMs = this.clock.nowMs()
    const answer = this.book.answer(wanted, nowMs)
    switch (answer.outcome) {
      case 'found': return answer.record
      case 'ambiguous': throw new NameAmbiguousError(wanted.name, answer.records)
      case 'expired': throw new NameExpiredError(answer.record, nowMs)
      case 'unknown': throw new NameNotFoundError(text, refused)
    }
  }

  /** @returns how many records say no host */
  private async search ({ name }: MeshName, signal: AbortSignal | undefined): Promise<number> {
    const { routing, timeoutMs = 10_000 } = this.init
    const limit = deadline(this.clock, timeoutMs, [signal])
    let found = 0
    let refused = 0
    try {
      const offers = routing.findModel(nameModel(name), { signal: limit.signal, region: '', limit: MAX_ANSWERED, cache: false })
      for await (const { offer } of offers) {
        const record = recordOf(name, offer)
        if (record !== undefined) {
          this.book.onRecord(record)
        } else if (!offer.withdrawn) {
          refused++
        }
        if (++found >= MAX_RECORDS) {
          break
        }
      }
    } catch (error) {
      signal?.throwIfAborted()
      if (!(error instanceof DeadlineError)) {
        throw error // else what was found in time counts
      }
    } finally {
      limit.clear()
    }
    return refused
  }
}
