/** A peer in a process of its own that asks for the model `m` and says what it knows of who served it, until it is killed: `DATA-DIR BOOTSTRAP REQUESTS`. */
import { createPeer } from '../../src/index.ts'

const [dataDir, bootstrap, requests] = process.argv.slice(2) as [string, string, string]
const peer = await createPeer({
  dataDir,
  listen: ['/ip4/127.0.0.1/tcp/0'],
  bootstrap: bootstrap === '' ? [] : [bootstrap],
  reputation: { saveIntervalMs: 100 },
  onDamage: damage => { console.log(`damage ${damage}`) }
})
const tell = (): void => {
  const known = [...peer.trust.ledger.standings()].map(({ peer: other, service }) =>
    ({ peer: other, service, dealings: peer.trust.ledger.dealings(other, service), score: peer.trust.score(other, service) }))
  console.log(`known ${JSON.stringify(known)}`)
}
tell()
for (let i = 0; i < Number(requests); i++) {
  await peer.chat({ model: 'm', messages: [] }).text()
}
setInterval(tell, 100)
