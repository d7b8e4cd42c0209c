/** What answers STUN binding requests at a super-node, as a port. */
export interface StunPort {
  start: () => Promise<void>
  stop: () => Promise<void>
  /** `192.0.2.1:3478`, where it listens */
  readonly address: string
  readonly counters: Record<string, number>
}
