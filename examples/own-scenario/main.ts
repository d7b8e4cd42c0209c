/** Runs the scenario beside this file as `npx skein simulate rumour.ts --sweep nodes=1K,10K,100K --runs 10` does. */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { main } from '@skein/cli'

const out = join(tmpdir(), 'skein-rumour')
process.exitCode = await main(['simulate', 'rumour.ts', '--sweep', 'nodes=1K,10K,100K', '--runs', '10', '--out', out, '--force'])
