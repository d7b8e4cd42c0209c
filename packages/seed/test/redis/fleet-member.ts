/** A seed of a fleet in a process of its own, so that it can be killed: `fleet-member.ts REDIS_URL [SEED_ADDRESS…]` tells its addresses. */
import { resolveConfig, seedLog, startSeedNode } from '../../src/node/index.ts'

const [redis, ...seeds] = process.argv.slice(2)
const flags = { seeds, listen: ['/ip4/127.0.0.1/tcp/0'], ephemeral: true, redis }
const node = await startSeedNode({ config: resolveConfig({ flags }).config, log: seedLog('silent') })
process.on('disconnect', () => { process.exit() })
process.send?.(node.seed.addresses)
