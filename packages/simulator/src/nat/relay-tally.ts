/** What came of the calls of a `RelayWorld`: answers and bytes by path, what was cut, and how long the first token took. */
import { PATHS } from '@skein/reachability'
import type { Path } from '@skein/reachability'

export interface AnswerTaken {
  path: Path
  bytes: number
  /** From the call to the first token, ms */
  firstTokenMs: number
  /** From the call to the last token, ms */
  wholeMs: number
  /** Nothing but a relay connects the caller with any provider of the model */
  isRelayOnly: boolean
  /** Nothing but a relay connects it with the one that answered */
  isPairRelayOnly: boolean
}

export class RelayTally {
  readonly answers: Record<Path, number> = { direct: 0, punched: 0, bonded: 0, relayed: 0 }
  readonly bytes: Record<Path, number> = { direct: 0, punched: 0, bonded: 0, relayed: 0 }
  readonly firstTokenMs: Record<Path, number[]> = { direct: [], punched: [], bonded: [], relayed: [] }
  readonly wholeMs: number[] = []
  /** Answers of which a part came and the rest did not, as the relay ended the circuit */
  cut = 0
  /** Calls for which no provider was left */
  failed = 0
  /** Circuits that relays refused, by reason */
  readonly refused: Record<string, number> = {}
  /** Answers to callers that no provider of the model can reach but through a relay */
  relayOnly = 0
  relayOnlyBytes = 0
  /** Relayed bytes of pairs for which there is a better way, found yet or not */
  avoidableBytes = 0

  onAnswer ({ path, bytes, firstTokenMs, wholeMs, isRelayOnly, isPairRelayOnly }: AnswerTaken): void {
    this.answers[path]++
    this.bytes[path] += bytes
    this.firstTokenMs[path].push(firstTokenMs)
    this.wholeMs.push(wholeMs)
    this.relayOnly += isRelayOnly ? 1 : 0
    this.relayOnlyBytes += isRelayOnly ? bytes : 0
    this.avoidableBytes += path === 'relayed' && !isPairRelayOnly ? bytes : 0
  }

  onRefused (reason: string): void {
    this.refused[reason] = (this.refused[reason] ?? 0) + 1
  }

  get all (): { answers: number, bytes: number } {
    return {
      answers: PATHS.reduce((sum, path) => sum + this.answers[path], 0),
      bytes: PATHS.reduce((sum, path) => sum + this.bytes[path], 0)
    }
  }
}
