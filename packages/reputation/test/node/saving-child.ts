/** A process that saves until it is killed: each save that was acknowledged is told on a line of its own. */
import { openReputationStore } from '../../src/node/index.ts'
import { standingNumber } from '../ledger-fixture.ts'

const [path, start] = process.argv.slice(2) as [string, string]
const damages: unknown[] = []
const store = await openReputationStore({ path, onDamage: damage => { damages.push(damage) } })
process.stdout.write(`open ${JSON.stringify(damages)}\n`)
for (let i = Number(start); ; i++) {
  // three records a save, one of them a change of an earlier one, and now and then a deletion
  const deleted = i % 7 === 6 ? [`standing/inference/peer-${i - 3}-b`] : []
  await store.save({ put: [standingNumber(`peer-${i}-a`, i), standingNumber(`peer-${i}-b`, i), standingNumber('peer-last', i)], deleted })
  process.stdout.write(`saved ${i}\n`)
}
