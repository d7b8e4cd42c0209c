/** Which player ids play what is published under which publisher ids. */
import { streamIdProblem } from './stream-id.ts'

export interface StreamEntry {
  /** `live_TOKEN`; several players may share one */
  publisher: string
  /** `play_TOKEN`, unique */
  player: string
  /** For the operator's own books */
  description: string
}

export interface StreamTableInit {
  /** Most entries; one more is refused @default 10_000 */
  maxStreams?: number
}

export type AddVerdict = 'free' | 'taken' | 'full'

export const MAX_DESCRIPTION_CHARACTERS = 256

export class StreamTable {
  readonly maxStreams: number
  private readonly byPlayer = new Map<string, StreamEntry>()
  private readonly playersOf = new Map<string, number>()
  /** Publishers that are known for a while, without players of their own; whoever holds them bounds them */
  private readonly held = new Set<string>()

  constructor (init: StreamTableInit = {}) {
    this.maxStreams = init.maxStreams ?? 10_000
  }

  get size (): number {
    return this.byPlayer.size
  }

  /** Whether there is room for a player of that id. */
  addVerdict (player: string): AddVerdict {
    if (this.byPlayer.has(player)) {
      return 'taken'
    }
    return this.byPlayer.size >= this.maxStreams ? 'full' : 'free'
  }

  /** Adds what `addVerdict` finds room for; leaves the rest out. */
  add (entry: StreamEntry): AddVerdict {
    const verdict = this.addVerdict(entry.player)
    if (verdict === 'free') {
      this.byPlayer.set(entry.player, entry)
      this.playersOf.set(entry.publisher, (this.playersOf.get(entry.publisher) ?? 0) + 1)
    }
    return verdict
  }

  /** What was removed; `undefined` when there is no such player. */
  remove (player: string): StreamEntry | undefined {
    const entry = this.byPlayer.get(player)
    if (entry !== undefined) {
      const left = (this.playersOf.get(entry.publisher) ?? 1) - 1
      this.byPlayer.delete(player)
      if (left === 0) {
        this.playersOf.delete(entry.publisher)
      } else {
        this.playersOf.set(entry.publisher, left)
      }
    }
    return entry
  }

  publisherOf (player: string): string | undefined {
    return this.byPlayer.get(player)?.publisher
  }

  hasPublisher (publisher: string): boolean {
    return this.playersOf.has(publisher) || this.held.has(publisher)
  }

  /** That publisher is known, until it is released; it stands among no entries. */
  hold (publisher: string): void {
    this.held.add(publisher)
  }

  release (publisher: string): void {
    this.held.delete(publisher)
  }

  /** In the order in which they were added. */
  entries (): StreamEntry[] {
    return [...this.byPlayer.values()]
  }
}

/** What is wrong with the fields of an entry as they come from outside: the field, and why. */
export function streamEntryProblem (fields: Record<string, unknown>): { field: keyof StreamEntry, message: string } | undefined {
  for (const field of ['publisher', 'player'] as const) {
    const message = fields[field] === undefined ? 'is missing' : streamIdProblem(field, fields[field])
    if (message !== undefined) {
      return { field, message }
    }
  }
  const { description } = fields
  if (description !== undefined && (typeof description !== 'string' || description.length > MAX_DESCRIPTION_CHARACTERS)) {
    return { field: 'description', message: `has to be a text of up to ${MAX_DESCRIPTION_CHARACTERS} characters` }
  }
  return undefined
}
