/** The addresses that a peer joins through and goes back to: those it was given, those that names stand for at present, and how each fares. */
import { nameOf } from './seed-selection.ts'

/** Addresses that names may stand for at once; further ones are dropped. */
const MAX_NAMED = 128

export class BootstrapAddresses {
  /** Those whose first turn has not come */
  readonly planned = new Set<string>()
  /** Those of seeds that let this peer go */
  readonly letGo = new Set<string>()
  private readonly given: Set<string>
  private named = new Set<string>()
  /** Failures of each in a row */
  private readonly failures = new Map<string, number>()
  /** Where a connected peer was reached, by peer */
  private readonly reached = new Map<string, string>()

  constructor (given: string[]) {
    this.given = new Set(given)
  }

  get all (): string[] {
    return [...this.given, ...this.named]
  }

  /** Peers connected over one of these. */
  get reachedPeers (): number {
    return this.reached.size
  }

  /** There are some, none leads anywhere now, and each has failed since it last did. */
  get allFail (): boolean {
    return this.given.size + this.named.size > 0 && this.reached.size === 0 && this.all.every(address => (this.failures.get(address) ?? 0) > 0)
  }

  has (address: string): boolean {
    return this.given.has(address) || this.named.has(address)
  }

  /** These are all that names stand for; one that is gone is forgotten, though a connection over it stays. */
  replaceNamed (addresses: string[]): { added: string[], removed: string[] } {
    const before = this.named
    this.named = new Set(addresses.filter(address => !this.given.has(address)).slice(0, MAX_NAMED))
    const removed = [...before].filter(address => !this.named.has(address))
    removed.forEach(address => {
      this.planned.delete(address)
      this.letGo.delete(address)
      this.failures.delete(address)
    })
    return { added: [...this.named].filter(address => !before.has(address)), removed }
  }

  onReached (address: string, peer: string): void {
    this.reached.set(peer, address)
  }

  /** Whether a peer that was reached over this address is connected. */
  isReached (address: string): boolean {
    return [...this.reached.values()].includes(address)
  }

  /** The connection to a peer is over: where to go back to, if it was reached over one of these. */
  onLost (peer: string): string | undefined {
    const address = this.reached.get(peer)
    this.reached.delete(peer)
    return address === undefined || this.has(address) ? address : this.all.find(other => nameOf(other) === peer)
  }

  /** How often in a row it had failed before. */
  onFailed (address: string): number {
    const failures = this.failures.get(address) ?? 0
    this.failures.set(address, failures + 1)
    return failures
  }

  onAnswered (address: string): void {
    this.failures.delete(address)
  }
}
