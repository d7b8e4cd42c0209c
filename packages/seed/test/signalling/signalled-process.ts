/** A peer in a process of its own, for tests that freeze or kill it: `signalled-process.ts SEED-ADDRESS KEY-HEX`. Says when it can be signalled. */
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { fromHex } from '@skein/core'
import { createPeer } from '@skein/peer'

const [, , seed, key] = process.argv
const peer = await createPeer({ listen: [], bootstrap: [seed as string], privateKey: privateKeyFromRaw(fromHex(key as string)) })
peer.signals.handle(() => {})
while (peer.signals.seeds.length === 0) {
  await new Promise(resolve => setTimeout(resolve, 10))
}
process.stdout.write('ready\n')
