/** What can be set of a media relay. */
import type { Clock, Random } from '@skein/core'
import type { Carriage } from '../fanout/carriage.ts'
import type { FanoutInit } from '../fanout/fanout.ts'

export interface MediaRelayInit {
  /** Where stream ids and keys are kept @default undefined: they are forgotten when the relay ends */
  dataFolder?: string
  /** IP address of the ports for media @default '0.0.0.0' */
  host?: string
  /** UDP port of publishers; 0 takes any free one, here and below @default 4001 */
  publisherPort?: number
  /** UDP port of players @default 4000 */
  playerPort?: number
  /** UDP port of SRTLA senders, whose streams are published as those of the port for publishers; `false` for none @default 5000 */
  srtlaPort?: number | false
  /** IP address of the ports for HTTP: statistics are for everyone who reaches them @default '127.0.0.1' */
  managementHost?: string
  /** TCP port of `/api` and `/health`; `false` for none, here and below: stream ids are those of `book` alone then @default 3000 */
  apiPort?: number | false
  /** TCP port of `/stats/PLAYER` and `/metrics` @default 8090 */
  statsPort?: number | false
  /** TCP port of the SRTLA receiver's `/stats`; opened with an SRTLA receiver only @default 5080 */
  linkStatsPort?: number | false
  /**
   * Least latency from publishers, ms; one that asks for more gets it. Losses are repaired within it. Over SRTLA at least 1,000, as links are
   * unequally slow.
   *
   * @default 120
   */
  latencyMs?: number
  /** 10 to 79 characters that publishers and players must have @default undefined: connections are not encrypted */
  passphrase?: string
  /** When a publisher is stale, and bounds of queues and of connections */
  fanout?: FanoutInit
  /** Asked before anything is carried, by a relay that is within somebody's quota @default all is carried */
  carriage?: Carriage
  /** @default 10_000 */
  maxStreams?: number
  /** @default 256 */
  maxKeys?: number
  /** Make one more key for everything, as the one before is lost @default false: only when there is none */
  newAdminKey?: boolean
  /** Whose network an address belongs to, for the statistics of links */
  organizationOf?: (address: string) => string | undefined
  /** Told of what an operator should mend, such as buffers that the system keeps too small */
  onProblem?: (message: string) => void
  /** @default systemClock() */
  clock?: Clock
  /** @default systemRandom() */
  random?: Random
}
