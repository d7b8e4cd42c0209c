/** Peer records whose signatures have been checked, by the hash of their envelopes: the same record comes from many, and is checked once. */
import { sha256 } from '@noble/hashes/sha2.js'
import { BoundedMap, toHex } from '@skein/core'
import { checkLife } from '@skein/records'
import { openPeerRecord, PEER_RECORD_KIND } from './peer-record.ts'
import type { PeerRecord } from './peer-record.ts'

export interface VerifiedRecordsInit {
  /**
   * Most records remembered, of some 600 bytes each; the one longest unseen is forgotten.
   *
   * @default 1_024
   */
  maxRecords?: number
}

export class VerifiedRecords {
  /** Signatures that were checked */
  checked = 0
  private readonly records: BoundedMap<string, PeerRecord>

  constructor (init: VerifiedRecordsInit = {}) {
    this.records = new BoundedMap({ maxSize: init.maxRecords ?? 1_024 })
  }

  get size (): number {
    return this.records.size
  }

  /** As `openPeerRecord`. @throws {RecordError} with the reason */
  async open (envelope: Uint8Array, nowMs: number): Promise<PeerRecord> {
    const hash = toHex(sha256(envelope))
    const known = this.records.touch(hash)
    if (known !== undefined) {
      checkLife(PEER_RECORD_KIND, known, nowMs)
      return known
    }
    this.checked++
    const record = await openPeerRecord(envelope, nowMs)
    this.records.set(hash, record)
    return record
  }
}
