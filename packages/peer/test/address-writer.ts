/** Writes to address tables without end, and says on a line each what is written, for a test that kills it: `address-writer.ts PATH FIRST`. */
import { openLevelAddressTables } from '../src/node/level-address-tables.ts'

const [path = '', first = '0'] = process.argv.slice(2)
const store = await openLevelAddressTables({ path })
await store.load()
for (let i = Number(first); ; i++) {
  const changed = Array.from({ length: 5 }, (_, j) => ({
    peer: `peer${5 * i + j}`, addresses: [`/ip4/1.1.1.1/tcp/${1 + i}`], source: 's', sourceNetwork: '', tried: false, failures: 0
  }))
  await store.save({ key: Uint8Array.from({ length: 16 }, () => i), anchors: [`peer${5 * i}`], changed, deleted: i >= 100 ? [`peer${5 * (i - 100)}`] : [] })
  process.stdout.write(`${i}\n`)
}
