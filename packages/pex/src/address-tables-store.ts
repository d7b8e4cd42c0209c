/** Where address tables are kept between two runs: their key, their entries and the anchors. */
import type { AddressTablesChanges, KnownAddress } from './address-tables.ts'

export interface KeptTables {
  /** Left out when there is none yet, or it was damaged */
  key?: Uint8Array
  known: KnownAddress[]
  /** Peers, best first */
  anchors: string[]
}

export interface StoreChanges extends AddressTablesChanges {
  key?: Uint8Array
  anchors?: string[]
}

export interface AddressTablesStore {
  /** Of what is damaged, nothing */
  load (): Promise<KeptTables>
  /** All of it or nothing; once it resolves, a crash does not reach it */
  save (changes: StoreChanges): Promise<void>
  close (): Promise<void>
}
