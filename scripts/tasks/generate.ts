/** `npm run generate`: TypeScript from every `.proto` file (`--check`: only compares). */
import { runNode } from '../child-process.ts'
import { listFiles } from '../tree.ts'

const files = listFiles().filter(file => file.endsWith('.proto'))

process.exitCode = (await runNode(['scripts/protobuf.mjs', ...process.argv.slice(2), ...files])).code
