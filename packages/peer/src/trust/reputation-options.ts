/** What a user of a peer may set of its reputation. */
import type { ReceiptDeskInit } from '@skein/reputation'

export interface ReputationOptions extends ReceiptDeskInit {
  /**
   * Tells those who ask for the receipts of what others did for this peer: with whom it deals, how much, when, and of which models. `false`: nobody
   * learns them from this peer, and what it knows of others helps nobody.
   *
   * @default true
   */
  tell?: boolean
  /**
   * Asks those who delivered to this peer for theirs, a few every some minutes: it knows of providers before it has tried them. `false`: it goes by
   * its own dealings alone.
   *
   * @default true
   */
  ask?: boolean
  /**
   * Time between two saves of the ledger in `dataDir`, ms; a crash loses so much.
   *
   * @default 5_000
   */
  saveIntervalMs?: number
  /**
   * Time between two rounds of questions, ms; each is shorter or longer by up to half, and three peers are asked in it.
   *
   * @default 150_000
   */
  askIntervalMs?: number
  /**
   * Time after which what a relay carried for this peer gets a receipt, ms. One is made earlier after 64 MiB, and a minute after the last circuit.
   *
   * @default 600_000
   */
  relayPeriodMs?: number
  /**
   * Time from the end of the last circuit through a relay to the receipt for it, ms.
   *
   * @default 60_000
   */
  relaySettleMs?: number
  /**
   * How long receipts are valid, ms; at most 30 days.
   *
   * @default 2_592_000_000
   */
  receiptLifeMs?: number
}
