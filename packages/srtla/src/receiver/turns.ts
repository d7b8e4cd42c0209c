/** Fairness between groups: in each tenth of a second a group may have as many packets as are its share. */
import { fairShares } from './fair-shares.ts'
import type { ReceiverGroup } from './group.ts'

const TURN_MS = 100

export class Turns {
  private readonly packets: number
  private readonly groups: ReadonlySet<ReceiverGroup>
  private endsMs = -Infinity
  /** Packets of this turn that no group had a claim to */
  private spare = 0

  constructor (maxPacketsPerSecond: number, groups: ReadonlySet<ReceiverGroup>) {
    this.packets = maxPacketsPerSecond * TURN_MS / 1_000
    this.groups = groups
  }

  /** Whether one more packet of that group is passed on. */
  take (group: ReceiverGroup, nowMs: number): boolean {
    if (nowMs >= this.endsMs) {
      this.deal(nowMs)
    }
    group.packetsInTurn++
    if (group.allowance > 0) {
      group.allowance--
      return true
    }
    if (this.spare > 0) {
      this.spare--
      return true
    }
    return false
  }

  /** A group that has come in this turn. */
  onGroup (group: ReceiverGroup): void {
    group.allowance = Math.ceil(this.packets / this.groups.size)
  }

  /** Allowances of the next turn, by what groups sent in this one. */
  private deal (nowMs: number): void {
    this.endsMs = nowMs + TURN_MS
    const groups = [...this.groups].filter(({ isGhost }) => !isGhost)
    const shares = fairShares(groups.map(({ packetsInTurn }) => packetsInTurn), this.packets)
    for (const [i, group] of groups.entries()) {
      // an equal share is there at once for one that sent little so far
      group.allowance = Math.ceil(Math.max(shares[i] as number, this.packets / groups.length))
      group.packetsInTurn = 0
    }
    this.spare = Math.max(0, this.packets - shares.reduce((sum, share) => sum + share, 0))
  }
}
