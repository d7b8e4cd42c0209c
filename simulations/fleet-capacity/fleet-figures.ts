/** What is read of a simulated fleet at the end of a run. */
import { budgetOf, msToMonthEnd } from '@skein/fleet'
import type { SessionRecord } from '@skein/fleet'
import type { FleetWorld } from './fleet-world.ts'

const PAGE = 1_000

export async function storedSessions ({ store }: FleetWorld): Promise<SessionRecord[]> {
  const sessions: SessionRecord[] = []
  for (let page: SessionRecord[] = await store.sessions({ limit: PAGE }); page.length > 0;
    page = page.length < PAGE ? [] : await store.sessions({ limit: PAGE, afterId: page.at(-1)?.id })) {
    sessions.push(...page)
  }
  return sessions
}

/** Of each relay what of its month is used, and its mean rate beside what would have lasted to the end of the month; the furthest first. */
export async function budgetRows ({ store, relays, clock }: FleetWorld, seconds: number): Promise<string[][]> {
  const nodes = (await store.nodes())
    .map(({ id, monthBytes, monthLimitBytes = 0 }) => ({ id, monthBytes, monthLimitBytes, usedShare: monthBytes / monthLimitBytes }))
  return nodes.sort((a, b) => b.usedShare - a.usedShare).map(({ id, monthBytes, monthLimitBytes, usedShare }) => {
    const carried = relays.get(id)?.bytes ?? 0
    const startMs = clock.nowMs() - seconds * 1_000
    const { safeBps = 0 } = budgetOf(monthLimitBytes, monthBytes - carried, msToMonthEnd(startMs))
    const bps = carried * 8 / seconds
    return [id, `${(100 * usedShare).toFixed(1)} %`, (bps / 1e6).toFixed(1), (safeBps / 1e6).toFixed(1)]
  })
}
