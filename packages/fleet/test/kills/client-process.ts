/** An app with connections as a process: `node client-process.ts URL KEY FILE SLOT,SLOT`. Tells each change of a connection. */
import { FleetClient } from '@skein/fleet'
import { ConnectionFile } from '@skein/fleet/node'

const [url, key, file, slots] = process.argv.slice(2) as [string, string, string, string]
const client = await FleetClient.open({ url, key, store: new ConnectionFile(file), timeoutMs: 2_000 })
client.addEventListener('connection:changed', ({ detail: { slot, state, session } }) => {
  process.stdout.write(`${slot} ${state} ${session?.id ?? ''}\n`)
})
for (const slot of slots.split(',')) {
  await client.add({ slot: Number(slot) })
}
process.stdout.write('added\n')
