/** Who gets a group and who joins one: the receiver's answers to REG1 and REG2. */
import { randomBytes } from '@skein/core'
import { encodeBare, encodeRegistration, HALF_ID_BYTES, ID_BYTES, REG2, REG3, REG_ERR, REG_NGP } from '../packet.ts'
import { AskerLimits, askerOf } from './asker-limits.ts'
import type { Random } from '@skein/core'
import type { AskerLimitsInit } from './asker-limits.ts'
import type { Origin, ReceiverGroup, ReceiverLink } from './group.ts'
import type { GroupTable } from './group-table.ts'
import type { ReceiverCounters, ReceiverEffect, RefusalReason } from './receiver-wire.ts'

export interface AdmissionInit {
  table: GroupTable
  counters: ReceiverCounters
  random: Random
  askers: AskerLimitsInit | undefined
  padded: boolean
  answer: (origin: Origin, bytes: Uint8Array) => void
  effect: (effect: ReceiverEffect) => void
}

export class Admission {
  private readonly init: AdmissionInit
  private readonly limits: AskerLimits
  private readonly accepted: Uint8Array
  private readonly refused: Uint8Array
  private readonly unknown: Uint8Array

  constructor (init: AdmissionInit) {
    this.init = init
    this.limits = new AskerLimits(init.askers)
    this.accepted = encodeBare(REG3, init)
    this.refused = encodeBare(REG_ERR, init)
    this.unknown = encodeBare(REG_NGP, init)
  }

  /** REG1; `true` when there is a new group. */
  onGroupAsked (id: Uint8Array, origin: Origin, nowMs: number): boolean {
    const { table, random, answer } = this.init
    const known = table.byHalfId(id)
    if (known !== undefined) { // the REG2 was lost: the same one again
      answer(origin, encodeRegistration(REG2, known.id))
      return false
    }
    const asker = askerOf(origin.address)
    if (this.limits.isBlocked(asker, nowMs)) {
      this.refuse(origin, 'address-blocked')
      return false
    }
    const leaving = table.linkAt(origin.address, origin.port) === undefined ? table.roomFor(asker) : 'address-in-use'
    if (leaving === undefined || leaving === 'address-in-use') {
      this.limits.onFailure(asker, nowMs)
      this.refuse(origin, leaving ?? 'table-full')
      return false
    }
    for (const ghost of leaving) {
      this.removeGhost(ghost, nowMs)
    }
    const full = new Uint8Array(ID_BYTES)
    full.set(id.subarray(0, HALF_ID_BYTES))
    full.set(randomBytes(random, ID_BYTES - HALF_ID_BYTES), HALF_ID_BYTES)
    table.addGroup(full, asker, nowMs)
    answer(origin, encodeRegistration(REG2, full))
    return true
  }

  /** REG2; the link that has joined, `undefined` when none has. */
  onLinkAsked (id: Uint8Array, origin: Origin, nowMs: number): ReceiverLink | undefined {
    const { table, counters, answer, effect } = this.init
    const group = table.byId(id)
    if (group === undefined) {
      answer(origin, this.unknown)
      return undefined
    }
    const link = table.linkAt(origin.address, origin.port)
    if (link !== undefined && link.group === group) {
      answer(origin, this.accepted)
      return undefined
    }
    if (link !== undefined || !table.hasRoomForLink(group)) {
      this.refuse(origin, link === undefined ? 'group-full' : 'address-in-use')
      return undefined
    }
    const wasGhost = group.isGhost
    const added = table.addLink(group, origin, nowMs)
    if (wasGhost) {
      counters.groups++
      this.limits.onSuccess(group.asker)
      effect({ type: 'group-opened', group })
    }
    effect({ type: 'link-added', link: added })
    answer(origin, this.accepted)
    return added
  }

  /** Nobody has joined it in time, or it makes room. */
  removeGhost (ghost: ReceiverGroup, nowMs: number): void {
    this.init.table.removeGroup(ghost)
    this.init.counters.ghosts++
    this.limits.onFailure(ghost.asker, nowMs)
  }

  private refuse (origin: Origin, reason: RefusalReason): void {
    this.init.counters.refused[reason]++
    this.init.answer(origin, this.refused)
    this.init.effect({ type: 'refused', origin: { address: origin.address, port: origin.port, family: origin.family }, reason })
  }
}
