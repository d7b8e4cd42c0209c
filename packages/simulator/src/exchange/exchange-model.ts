/** What is measured of peer exchange, whatever its rules: who knows whom, round by round. */

/** Views of devices, which are numbered from 0. */
export interface KnownLinks {
  readonly nodes: number
  readonly viewSize: number
  /** Entries of each device's view */
  readonly length: Int32Array
  /** The device at a place of a view; −1 when it has gone, though another may have its number */
  target: (device: number, place: number) => number
}

export interface ExchangeModel extends KnownLinks {
  /** Messages that each device was asked in the last round */
  readonly asked: Int32Array
  /** Another device, that knows only some, takes a number */
  replace: (device: number, known: readonly number[], round: number) => void
  /** A round is a minute. While the network is cut even numbers do not reach odd ones */
  run: (round: number, isCut: boolean) => void
}
