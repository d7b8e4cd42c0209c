/** A peer in a process of its own, for tests that kill it: `peer-process.ts DATA_DIR BOOTSTRAP…`; says on one line how many peers it is connected to. */
import { createPeer } from '@skein/peer'

const [dataDir, ...bootstrap] = process.argv.slice(2)
const peer = await createPeer({ dataDir, bootstrap, listen: ['/ip4/127.0.0.1/tcp/0'] })
const tell = (): void => { console.log(peer.libp2p.getPeers().length) }
peer.addEventListener('peer:connected', tell)
tell()
