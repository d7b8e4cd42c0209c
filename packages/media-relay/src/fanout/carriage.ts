/** Whoever pays for what a fan-out carries, such as a volunteer with a quota, and may refuse it. */

/** `drop`: this packet goes no further. `stop`: neither does any other, and connections end. */
export type CarriageVerdict = 'pass' | 'drop' | 'stop'

export interface Carriage {
  /** Whether somebody new may publish or play now */
  isOpen: () => boolean
  /** Somebody publishes or plays from now on; `false`: not so, and its connection ends */
  onJoined: (who: string) => boolean
  /** … one that was taken, no more */
  onLeft: () => void
  /** A packet has come in, of so many bytes of media */
  onReceived: (bytes: number) => CarriageVerdict
  /**
   * A packet is to go out to a player.
   *
   * @param isOfMesh over a stream of libp2p, not by SRT
   */
  onSend: (bytes: number, isOfMesh: boolean) => CarriageVerdict
}
