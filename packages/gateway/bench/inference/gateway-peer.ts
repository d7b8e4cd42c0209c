/** The gateway and its peer, which serves nothing itself. */
import { createGateway } from '@skein/gateway'
import { createPeer } from '@skein/peer'
import { benchOptions, benchReady } from './bench-process.ts'

const { bootstrap } = benchOptions<{ bootstrap: string[] }>()
const peer = await createPeer({ listen: ['/ip4/127.0.0.1/tcp/0'], bootstrap })
const gateway = await createGateway({ caller: peer, port: 0 })
benchReady({ url: gateway.baseURL })
