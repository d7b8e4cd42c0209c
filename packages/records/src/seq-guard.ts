/** Remembers the newest sequence number seen of each signer, so that an old record cannot be played again. */
import { BoundedMap } from '@skein/core'
import { RecordError } from './record-error.ts'

export interface SeqGuardInit {
  /**
   * Most signers remembered; beyond it the one heard of longest ago is forgotten, and its expiry alone protects it.
   *
   * @default 65_536
   */
  maxSigners?: number
}

export class SeqGuard {
  private readonly newest: BoundedMap<string, number>

  constructor (init: SeqGuardInit = {}) {
    this.newest = new BoundedMap({ maxSize: init.maxSigners ?? 65_536 })
  }

  /**
   * Accepts a sequence number that is newer than the last one of `signer` (name the kind of record in it where kinds mix).
   *
   * @throws {RecordError} `replayed`
   */
  accept (signer: string, seq: number): void {
    const known = this.newest.get(signer)
    if (known !== undefined && seq <= known) {
      throw new RecordError('replayed', `Sequence number ${seq} is not newer than ${known}`)
    }
    this.newest.set(signer, seq)
  }
}
