/** The slots of users, each with a name that it keeps. */
import { NameExhaustedError } from './session-error.ts'
import { slotName } from './random-name.ts'
import type { Random } from '@skein/core'
import type { FleetStore, SlotRecord } from '../store/fleet-store.ts'

const MAX_TRIES = 5

/** The slot, made if it is not there. @throws {NameExhaustedError} when five names in a row were taken */
export async function ensureSlot (
  store: FleetStore, random: Random, { userId, slot, label = `Slot ${slot}` }: { userId: string, slot: number, label?: string }, nowMs: number
): Promise<SlotRecord> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const present = await store.slot(userId, slot)
    if (present !== undefined) {
      return present
    }
    const made: SlotRecord = { userId, slot, label, name: slotName(random), createdMs: nowMs, moves: [] }
    if (await store.insertSlot(made)) {
      return made
    }
  }
  throw new NameExhaustedError(MAX_TRIES)
}
