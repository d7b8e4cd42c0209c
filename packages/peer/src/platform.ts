/** What differs between Node and a browser: transports, what to listen on, where things are kept, what is known of the hardware. */
import type { AddressBookStore } from './address-book.ts'
import type { PrivateKey, Transport } from '@libp2p/interface'
import type { Components } from 'libp2p'
import type { Hardware } from '@skein/records'

export interface DataDirectory {
  privateKey: PrivateKey
  addressBook: AddressBookStore
}

export interface Platform {
  transports: () => Array<(components: Components) => Transport>
  /** Listened on when nothing else is asked for */
  defaultListen: string[]
  hardware: () => Hardware
  /** Opens (or makes) the folder that holds a peer's identity and address book */
  openDataDirectory: (path: string, onDamage: (what: string) => void) => Promise<DataDirectory>
}
