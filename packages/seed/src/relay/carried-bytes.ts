/** What a relay carried for each of its clients since the last receipt of it. Pure. */
import { BoundedMap } from '@skein/core'
import type { Receipt, RelayReceipt } from '@skein/records'

/** Clients remembered; the one that was there first is forgotten, and its receipt stays signed by it alone. */
const MAX_CLIENTS = 16_384

interface Account {
  bytes: number
  /** When its first circuit since the last receipt was there, or that receipt was made */
  sinceMs: number
}

export class CarriedBytes {
  private readonly accounts: BoundedMap<string, Account>

  constructor (maxClients = MAX_CLIENTS) {
    this.accounts = new BoundedMap({ maxSize: maxClients })
  }

  /** Bytes passed on a circuit of which the peer is one end. Called for each piece that passes: it makes nothing but the first time. */
  onBytes (peer: string, bytes: number, nowMs: number): void {
    const account = this.accounts.get(peer)
    if (account === undefined) {
      this.accounts.set(peer, { bytes, sinceMs: nowMs })
    } else {
      account.bytes += bytes
    }
  }

  /**
   * What this relay measured of what its client offers a receipt of; `undefined` when it carried nothing for it. From now on the next receipt's bytes
   * are counted, as the client does whether this relay agrees or not: one that was missed must not spoil those after it.
   */
  measured (offered: Receipt, nowMs: number): RelayReceipt | undefined {
    const account = this.accounts.get(offered.consumer)
    if (offered.kind !== 'relay' || account === undefined) {
      return undefined
    }
    this.accounts.delete(offered.consumer)
    // a client's period may begin later than here: with its first circuit, or the look that found bytes gone
    return { ...offered, bytes: account.bytes, durationMs: Math.min(offered.durationMs, Math.round(nowMs - account.sinceMs)) }
  }
}
