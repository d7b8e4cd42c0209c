/** The keys of one connection: those that packets are sent under, which change, and those of the other side (draft-sharabayko-srt-01, §6.1.6). */
import { deriveKek, readKeyMaterial, unwrapKeyMaterial, wrapKeyMaterial } from './key-material.ts'
import type { KeyBytes, KeyMaterial } from './key-material.ts'
import type { KeySlot } from './packet-header.ts'
import type { PacketCipher, SrtCrypto } from './srt-crypto.ts'

const SALT_BYTES = 16
/** The counter's last two bytes count blocks; so much of the salt goes into the rest. */
const NONCE_BYTES = 14

/** Where the counter of a packet starts: its sequence number at bytes 10 to 13, under the salt. */
export function writeCounter (into: Uint8Array, salt: Uint8Array, sequence: number): void {
  into.set(salt.subarray(0, NONCE_BYTES))
  into[10] = (into[10] as number) ^ sequence >>> 24
  into[11] = (into[11] as number) ^ sequence >>> 16
  into[12] = (into[12] as number) ^ sequence >>> 8
  into[13] = (into[13] as number) ^ sequence
  into[14] = 0
  into[15] = 0
}

export function freshKeyMaterial (crypto: SrtCrypto, keyBytes: KeyBytes): KeyMaterial {
  return { salt: crypto.randomBytes(SALT_BYTES), keyBytes, even: crypto.randomBytes(keyBytes) }
}

export interface KeyRefresh {
  /** A key is used for so many packets */
  afterPackets: number
  /** And the next one is announced so many packets before, and the last one kept so many after */
  announcePackets: number
}

interface SlotKey {
  key: Uint8Array
  cipher: PacketCipher
}

/** What this side encrypts with. The next key is announced before it is used; `announcement` is to be sent until it is confirmed. */
export class TransmitKeys {
  private readonly crypto: SrtCrypto
  private readonly kek: Uint8Array
  private readonly salt: Uint8Array
  private readonly keyBytes: KeyBytes
  private readonly refresh: KeyRefresh
  private readonly counter = new Uint8Array(16)
  private slot: 1 | 2
  private active: SlotKey
  private other?: SlotKey & { isNext: boolean }
  private packets = 0
  private pending?: Uint8Array

  constructor (crypto: SrtCrypto, kek: Uint8Array, material: KeyMaterial, refresh: KeyRefresh) {
    const key = material.even ?? material.odd
    if (key === undefined) {
      throw new Error('Keying material has a key')
    }
    this.crypto = crypto
    this.kek = kek
    this.salt = material.salt
    this.keyBytes = material.keyBytes
    this.refresh = refresh
    this.slot = material.even === undefined ? 2 : 1
    this.active = { key, cipher: crypto.packetCipher(key) }
  }

  /** The keying material message that the other side has not confirmed yet. */
  get announcement (): Uint8Array | undefined {
    return this.pending
  }

  onConfirmed (message: Uint8Array): void {
    if (this.pending?.length === message.length && this.pending.every((byte, at) => byte === message[at])) {
      this.pending = undefined
    }
  }

  /** Encrypts a payload where it is, and says under which key. */
  encrypt (sequence: number, payload: Uint8Array): KeySlot {
    this.advance()
    writeCounter(this.counter, this.salt, sequence)
    this.active.cipher.apply(this.counter, payload, payload)
    return this.slot
  }

  private advance (): void {
    this.packets++
    const { afterPackets, announcePackets } = this.refresh
    if (this.packets > afterPackets && this.other?.isNext === true) {
      const before = this.active
      this.active = this.other
      this.other = { ...before, isNext: false }
      this.slot = this.slot === 1 ? 2 : 1
      this.packets = 1
    } else if (this.packets > afterPackets - announcePackets && this.other?.isNext !== true) {
      const key = this.crypto.randomBytes(this.keyBytes)
      this.other = { key, cipher: this.crypto.packetCipher(key), isNext: true }
      this.pending = wrapKeyMaterial(this.crypto, this.kek, this.both(key))
    } else if (this.packets > announcePackets && this.other?.isNext === false) {
      this.other = undefined
    }
  }

  private both (next: Uint8Array): KeyMaterial {
    const [even, odd] = this.slot === 1 ? [this.active.key, next] : [next, this.active.key]
    return { salt: this.salt, keyBytes: this.keyBytes, even, odd }
  }
}

/** What the other side encrypts with. */
export class ReceiveKeys {
  private readonly crypto: SrtCrypto
  private readonly passphrase: string
  private readonly counter = new Uint8Array(16)
  private salt: Uint8Array
  private kek?: { key: Uint8Array, salt: string, keyBytes: number }
  private even?: PacketCipher
  private odd?: PacketCipher

  constructor (crypto: SrtCrypto, passphrase: string, material: KeyMaterial) {
    this.crypto = crypto
    this.passphrase = passphrase
    this.salt = material.salt
    this.take(material)
  }

  /** Takes announced keys; false when they are not for this passphrase, or malformed. */
  onAnnouncement (message: Uint8Array): boolean {
    const wrapped = readKeyMaterial(message)
    if (wrapped === undefined) {
      return false
    }
    const salt = wrapped.salt.join()
    // the salt stays when keys change: deriving again would cost a millisecond
    if (this.kek?.salt !== salt || this.kek.keyBytes !== wrapped.keyBytes) {
      this.kek = { key: deriveKek(this.crypto, this.passphrase, wrapped.salt, wrapped.keyBytes), salt, keyBytes: wrapped.keyBytes }
    }
    const material = unwrapKeyMaterial(this.crypto, this.kek.key, wrapped)
    if (material === undefined) {
      return false
    }
    this.salt = material.salt
    this.take(material)
    return true
  }

  /** Decrypts a payload where it is; false without the key. */
  decrypt (slot: number, sequence: number, payload: Uint8Array): boolean {
    const cipher = slot === 1 ? this.even : slot === 2 ? this.odd : undefined
    if (cipher === undefined) {
      return false
    }
    writeCounter(this.counter, this.salt, sequence)
    cipher.apply(this.counter, payload, payload)
    return true
  }

  private take (material: KeyMaterial): void {
    this.even = material.even === undefined ? this.even : this.crypto.packetCipher(material.even)
    this.odd = material.odd === undefined ? this.odd : this.crypto.packetCipher(material.odd)
  }
}
